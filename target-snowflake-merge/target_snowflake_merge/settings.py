"""The settings of the target: the one place where they are declared."""

from __future__ import annotations

from singer_sdk.typing import (
    BooleanType,
    IntegerType,
    PropertiesList,
    Property,
    StringType,
)

SETTINGS = PropertiesList(
    Property(
        "account",
        StringType(),
        required=True,
        title="Account",
        description="The account identifier: `organisation-account`, or a locator "
        "with its region, such as `xy12345.us-east-1`. The account's address will do, "
        "too.",
    ),
    Property(
        "host",
        StringType(),
        title="Host",
        description="The host name of the account, where it does not follow from "
        "`account` (some kinds of PrivateLink, proxies). It may carry scheme and port; "
        "plain http is accepted for this machine only.",
    ),
    Property(
        "user",
        StringType(),
        title="User",
        description="The LOGIN_NAME of the user; needed to sign in with a key pair.",
    ),
    Property(
        "private_key",
        StringType(),
        secret=True,
        title="Private key",
        description="The user's private key (RSA of 2048 bits or more): PEM, where "
        "line breaks may be written as `\\n` or `\\r\\n`, or DER in base64.",
    ),
    Property(
        "private_key_path",
        StringType(),
        title="Private key path",
        description="The path of a file with the private key (PEM or DER), instead of "
        "its text.",
    ),
    Property(
        "private_key_passphrase",
        StringType(),
        secret=True,
        title="Private key passphrase",
        description="What the private key is encrypted with, if it is.",
    ),
    Property(
        "programmatic_access_token",
        StringType(),
        secret=True,
        title="Programmatic access token",
        description="A programmatic access token, instead of a private key.",
    ),
    Property(
        "oauth_token",
        StringType(),
        secret=True,
        title="OAuth token",
        description="An OAuth access token, instead of a private key. It is not "
        "renewed, and must live as long as the run.",
    ),
    Property(
        "database",
        StringType(),
        required=True,
        title="Database",
        description="The database, which must exist. Names of database, schema and "
        "tables are taken in upper case.",
    ),
    Property(
        "default_target_schema",
        StringType(),
        required=True,
        title="Default target schema",
        description="The schema of the tables. It is made when it is missing.",
    ),
    Property(
        "warehouse",
        StringType(),
        title="Warehouse",
        description="The warehouse, as Snowflake shows it. Without it, the user's "
        "default.",
    ),
    Property(
        "role",
        StringType(),
        title="Role",
        description="The role, as Snowflake shows it. Without it, the user's default.",
    ),
    Property(
        "load_method",
        StringType(allowed_values=["upsert", "append-only", "overwrite"]),
        default="upsert",
        title="Load method",
        description="`upsert` keeps a row per key, the last one observed; "
        "`append-only` inserts every record; `overwrite` fills a new table, whose "
        "rows take the place of the old ones when the whole input is loaded.",
    ),
    Property(
        "batch_size_rows",
        IntegerType(minimum=1),
        default=10_000,
        title="Batch size in rows",
        description="The largest number of rows in one MERGE.",
    ),
    Property(
        "batch_size_bytes",
        IntegerType(minimum=1),
        default=1_000_000,
        title="Batch size in bytes",
        description="The largest JSON array that one MERGE carries. Snowflake "
        "recommends at most 1 MB per statement; a larger record goes alone.",
    ),
    Property(
        "max_parallelism",
        IntegerType(minimum=1),
        default=4,
        title="Maximum parallelism",
        description="How many tables are loaded at the same time. A table has one "
        "statement in flight at most.",
    ),
    Property(
        "max_batch_age_seconds",
        IntegerType(minimum=1, maximum=86_400),
        default=300,
        title="Maximum age of a batch in seconds",
        description="A row waits no longer for its batch to fill; a state behind it "
        "waits no longer either.",
    ),
    Property(
        "hard_delete",
        BooleanType(),
        default=False,
        title="Hard delete",
        description="Whether an `ACTIVATE_VERSION` removes the rows that its version "
        "has not shown, rather than marking them in `_SDC_DELETED_AT`.",
    ),
    Property(
        "journal_path",
        StringType(),
        default=".target-snowflake-merge/journal",
        title="Journal path",
        description="The folder of the journal, where each batch is kept before it is "
        "sent. It must outlive the run: what a broken run left is settled by the next.",
    ),
    Property(
        "journal_retention_days",
        IntegerType(minimum=0, maximum=36_500),
        default=7,
        title="Journal retention in days",
        description="How long loaded batches are kept for `snowflake-merge replay`. "
        "Batches that have failed or are in flight are kept in any case.",
    ),
    Property(
        "journal_max_bytes",
        IntegerType(minimum=1),
        default=2_000_000_000,
        title="Largest size of the journal in bytes",
        description="Beyond it the oldest loaded batches are removed before their "
        "time; where that is not enough, the run stops before it sends anything.",
    ),
    Property(
        "statement_timeout_seconds",
        IntegerType(minimum=1),
        default=3_600,
        title="Statement timeout in seconds",
        description="After this time Snowflake cancels a statement, and the run ends.",
    ),
    Property(
        "number_type",
        StringType(allowed_values=["NUMBER", "FLOAT"]),
        default="NUMBER",
        title="Type of numbers",
        description="The column of a new `number` without `multipleOf`: `NUMBER`, "
        "which is NUMBER(38,9), or `FLOAT`. Either refuses what it would round.",
    ),
    Property(
        "invalid_dates",
        StringType(allowed_values=["error", "null"]),
        default="error",
        title="Invalid dates",
        description="What becomes of a date or date-time that Snowflake does not know, "
        "such as `0000-00-00` or one of the year 20107: `error` stops the run, `null` "
        "loads null and warns. In a key it stops the run in any case.",
    ),
    Property(
        "add_record_metadata",
        BooleanType(),
        default=True,
        title="Add record metadata",
        description="Whether tables get Meltano's metadata columns. `_SDC_SEQUENCE` "
        "and `_SDC_REQUEST_ID` are there in any case.",
    ),
).to_dict()
