"""The settings, declared once: README and meltano.yml are written from them."""

from __future__ import annotations

from singer_sdk import typing as th

from tap_acumatica.contract import CONTRACTS

SETTINGS = th.PropertiesList(
    th.Property(
        "instance_url",
        th.StringType,
        required=True,
        title="Instance URL",
        description=(
            "Address of the instance, with its site path if it has one, such as "
            "https://erp.example.com/Finance."
        ),
    ),
    th.Property(
        "endpoint_name",
        th.StringType,
        default="Default",
        title="Endpoint name",
        description="Name of the contract-based endpoint.",
    ),
    th.Property(
        "endpoint_version",
        th.StringType,
        title="Endpoint version",
        description=(
            "Version of the endpoint, such as 24.200.001. It decides the schema, "
            "so it is never guessed; when it is missing, the tap lists the "
            "versions that the instance serves."
        ),
    ),
    th.Property(
        "client_id",
        th.StringType,
        title="Client ID",
        description=(
            "Client ID of the connected application, as GUID@Tenant. Without it, the "
            "tap signs in with user name, password and cookies."
        ),
    ),
    th.Property(
        "client_secret",
        th.StringType,
        secret=True,
        title="Client secret",
        description="Shared secret of the connected application.",
    ),
    th.Property(
        "username",
        th.StringType,
        title="User name",
        description="Login of the API user.",
    ),
    th.Property(
        "password",
        th.StringType,
        secret=True,
        title="Password",
        description="Password of the API user.",
    ),
    th.Property(
        "refresh_token",
        th.StringType,
        secret=True,
        title="Refresh token",
        description=(
            "A refresh token, instead of user name and password. The tokens that take "
            "its place are kept in the file of refresh_token_path."
        ),
    ),
    th.Property(
        "refresh_token_path",
        th.StringType,
        title="Refresh token path",
        description=(
            "The file that keeps the newest refresh token, readable by its owner only. "
            "`acumatica login` makes it."
        ),
    ),
    th.Property(
        "tenant",
        th.StringType,
        title="Tenant",
        description=(
            "The tenant to sign in to. With OAuth it is a part of client_id, and need "
            "not be given."
        ),
    ),
    th.Property(
        "branch",
        th.StringType,
        title="Branch",
        description="The branch that is current for the requests.",
    ),
    th.Property(
        "locale",
        th.StringType,
        title="Locale",
        description=(
            "The locale of the session, such as en-US; only for signing in with "
            "cookies, without client_id."
        ),
    ),
    th.Property(
        "include_archived",
        th.BooleanType,
        default=False,
        title="Include archived records",
        description="Whether to read records that have been archived as well.",
    ),
    th.Property(
        "entities",
        th.ArrayType(
            th.ObjectType(
                th.Property("entity", th.StringType(min_length=1), required=True),
                th.Property("stream", th.StringType),
                th.Property("expand", th.ArrayType(th.StringType)),
                th.Property("replication_key", th.StringType),
                th.Property("key", th.ArrayType(th.StringType)),
                additional_properties=False,
            )
        ),
        default=[],
        title="Entities",
        description=(
            "Further top-level entities of the endpoint, each as an object: `entity`, "
            "its name; `stream`, the stream's name (default: the entity's in snake "
            "case; the name of a built-in stream replaces that one); `expand`, the "
            "detail arrays and linked objects to read, such as MainContact/Address "
            "(default: all that hang from the entity itself); `replication_key`, the "
            "date-time field that tells when a record was modified (default: "
            "LastModifiedDateTime); `key`, the fields of the natural key, in the order "
            "of the form, for an entity whose ids are new with each session (default: "
            "the id)."
        ),
    ),
    th.Property(
        "custom_fields",
        th.ArrayType(th.StringType),
        default=["*.Usr*", "*.Attribute*"],
        title="Custom fields",
        description=(
            "Which custom fields become part of the streams: patterns of "
            "View.Field, for nested entities Details/View.Field, in which * matches "
            "anything. The default takes those of customization projects and the "
            "user-defined ones; [] takes none and saves a request per stream."
        ),
    ),
    th.Property(
        "contract_version",
        th.IntegerType(allowed_values=list(CONTRACTS)),
        title="Contract version",
        description=(
            "The contract version of the endpoint, only where its swagger.json tells a "
            "wrong one in info.version; the log warns where that is in doubt."
        ),
    ),
    th.Property(
        "start_date",
        th.DateTimeType,
        title="Start date",
        description=(
            "The first run reads records that were modified at this moment or "
            "later; without it, all records. A date, which begins in UTC, or a "
            "date-time with its offset, such as 2025-07-01T04:29:00+02:00; in "
            "meltano.yml it is quoted, or Meltano cuts the offset."
        ),
    ),
    th.Property(
        "lookback_seconds",
        th.IntegerType(minimum=0, maximum=31_536_000),
        default=600,
        title="Lookback",
        description=(
            "Each run reads again the changes of so many seconds before its "
            "bookmark, since a long transaction can become visible after a later "
            "one."
        ),
    ),
    th.Property(
        "page_size",
        th.IntegerType(minimum=2),
        default=500,
        title="Page size",
        description=(
            "Rows that are asked for in one request; fewer for a while where the "
            "server does not manage as many."
        ),
    ),
    th.Property(
        "requests_per_minute",
        th.IntegerType(minimum=1, maximum=10_000),
        title="Requests per minute",
        description=(
            "The tap sends no more requests in any sixty seconds. Half of what the "
            "licence allows leaves other users undisturbed. Without it, requests "
            "follow one another as fast as the instance answers."
        ),
    ),
    th.Property(
        "emit_activate_version_messages",
        th.BooleanType,
        default=True,
        title="Emit ACTIVATE_VERSION",
        description=(
            "After a stream has been read in full, tell the target so, that it can "
            "mark what is gone. Only for streams in FULL_TABLE mode."
        ),
    ),
    th.Property(
        "trim_trailing_spaces",
        th.BooleanType,
        default=True,
        title="Trim trailing spaces",
        description="Cut the spaces at the end of strings; keys can be padded.",
    ),
).to_dict()
