"""Checking whether a load would work, one fact a line.

What a role may do follows from grants to it and to roles below it, on each level; only
trying is a proof. So a small table is made in the schema, merged into by the very
statements of a load, read and dropped. Where the schema is missing, a schema of another
name is made for it and dropped as well. The trial needs the warehouse, and resumes it.
"""

from __future__ import annotations

import os
import secrets
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import disk_usage
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

import msgspec
from typing_extensions import override

from target_snowflake_merge.errors import TargetError, one_line
from target_snowflake_merge.journal.run_folder import FULL, needless, size
from target_snowflake_merge.schema.kinds import (
    DECIMAL,
    INTEGER,
    KINDS,
    TEXT,
    ColumnType,
    Kind,
)
from target_snowflake_merge.sql_api import autocommit
from target_snowflake_merge.sql_api.account import base_url
from target_snowflake_merge.sql_api.auth import authenticator
from target_snowflake_merge.sql_api.client import Session, SqlApi, Statement
from target_snowflake_merge.sql_api.responses import clock_difference
from target_snowflake_merge.warehouse import statements

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from target_snowflake_merge.sql_api.client import Result

PREFIX = "_SDC_PING_"
"""How the names of what the trial makes begin, should it be left behind."""

SAMPLES = {kind: row for kind, row in KINDS.items() if row.sent is not None}
"""What is sent and read of each kind of column that loads make."""

TRIAL: dict[str, ColumnType] = {
    "ID": TEXT,
    **{str(kind): ColumnType(kind) for kind in SAMPLES},
    Kind.NUMBER: DECIMAL,
    statements.SEQUENCE: INTEGER,
}
"""The columns of the table that the trial makes, by the names of their kinds."""

KEYS = ("A", "a")
"""Two keys, unless a collation takes them for one."""

LARGEST_TRIAL = 1_000_000
"""Bytes that are written where the journal is."""

ALL = ("role", "warehouse", "database")
"""The settings that a statement of a load is executed with."""

NEEDS = {
    "clock": {"address"},
    "sign-in": {"address"},
    "role": {"sign-in"},
    "warehouse": {"role"},
    "database": {"warehouse"},
    "rights": {"database"},
    "settings": {"sign-in"},
}
"""What must hold before a check can tell more than the one before it has told."""

HARMLESS = {
    "BINARY_INPUT_FORMAT": "no BINARY is written",
    "DATE_INPUT_FORMAT": "dates are written with their format",
    "ERROR_ON_NONDETERMINISTIC_MERGE": "a batch has one row for each key",
    "QUOTED_IDENTIFIERS_IGNORE_CASE": "all names are in upper case",
    "TIMESTAMP_INPUT_FORMAT": "times are written with their format",
    "TIMESTAMP_TYPE_MAPPING": "the type of a time is always named",
    "TIME_INPUT_FORMAT": "times are written with their format",
}
"""Settings of an account that change what other programs load, and why not here:
https://docs.snowflake.com/en/sql-reference/parameters
"""


def _is_full(folder: Path, wanted: int) -> bool:
    """Say whether a file of so many bytes has no room in a folder; it is removed again.

    What a volume says of its free bytes does not count a user's quota.

    Raises:
        OSError: The folder cannot be written to at all.
    """
    try:
        with TemporaryFile(prefix=PREFIX, dir=folder) as file:
            file.write(bytes(min(wanted, LARGEST_TRIAL)))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        if error.errno not in FULL:
            raise
        return True
    return False


@dataclass(frozen=True)
class Check:
    """What a check has found."""

    name: str
    text: str
    is_ok: bool = True

    @override
    def __str__(self) -> str:
        """Return the line."""
        return f"{'ok' if self.is_ok else 'failed':<7} {self.name:<10} {self.text}"


class Ping:
    """Checks what a load needs, in the order in which it needs it."""

    def __init__(self, config: Mapping[str, Any], user_agent: str) -> None:
        """Prepare the checks; nothing is sent yet.

        Raises:
            TargetError: The settings do not say where or how to sign in.
        """
        self._config = config
        self._user_agent = user_agent
        self._url = base_url(config["account"], config.get("host"))
        self._token = authenticator(config)
        self._database = config["database"].upper()
        self._schema = config["default_target_schema"].upper()
        self._has_schema = True
        self._commits = True

    def facts(self) -> Iterator[Check]:
        """Make all checks, and tell of each as it ends.

        What depends on a check that has failed is left out: it would fail likewise.
        """
        checks = {
            "journal": self._check_journal,
            "address": self._check_address,
            "clock": self._check_clock,
            "sign-in": self._check_sign_in,
            "role": self._check_role,
            "warehouse": self._check_warehouse,
            "database": self._check_database,
            "autocommit": self._check_autocommit,
            "rights": self._check_rights,
            "settings": self._check_settings,
        }
        failed: set[str] = set()
        for name, check in checks.items():
            if NEEDS.get(name, set()) & failed:
                failed.add(name)
                continue
            try:
                for text in check():
                    yield Check(name, text)
            except TargetError as error:
                yield Check(name, str(error), is_ok=False)
                failed.add(name)

    def _api(self, settings: Sequence[str]) -> SqlApi:
        """Return a client that uses only some of the settings."""
        session = Session(
            self._database if "database" in settings else None,
            self._config.get("warehouse") if "warehouse" in settings else None,
            self._config.get("role") if "role" in settings else None,
            self._config["statement_timeout_seconds"],
        )
        return SqlApi(self._url, self._token, session, self._user_agent)

    def _ask(self, sql: str, *binds: str, settings: Sequence[str] = ALL) -> Result:
        statement = Statement(sql, str(uuid.uuid4()), binds, self._user_agent)
        return self._api(settings).execute(statement)

    def _value(self, function: str, *settings: str) -> str | None:
        """Ask for the value of a function, such as CURRENT_ROLE."""
        sql = f'SELECT {function}() AS "VALUE"'
        return self._ask(sql, settings=settings).rows[0]["VALUE"]

    def _check_journal(self) -> Iterator[str]:
        """Write for a moment where the journal is, or would be made; then read it."""
        setting = Path(self._config["journal_path"])
        try:
            path = setting.expanduser().absolute()
            there = next(folder for folder in (path, *path.parents) if folder.exists())
            is_full = _is_full(there, self._config["batch_size_bytes"])
            free = disk_usage(there).free
        except (OSError, RuntimeError) as error:  # the latter: ~ of an unknown user
            raise TargetError(
                f"{setting} cannot be written to ({one_line(str(error))}); correct "
                "journal_path or the rights of what is above it."
            ) from error
        if not is_full:
            yield f"{path} can be {'written to' if there == path else 'made'}."
        taken, spare = (size(path), needless(path)) if there == path else (0, 0)
        room = (
            f"{free:,} bytes are free there; the journal has {taken:,} of at most "
            f"{self._config['journal_max_bytes']:,}, and can do without {spare:,}"
        )
        if is_full and spare < self._config["batch_size_bytes"]:
            raise TargetError(f"{room}: too few for a batch; make room there.")
        yield f"{room}."

    def _check_address(self) -> Iterator[str]:
        self._server_clock = self._api(()).server_clock()
        yield f"{self._url} answers."

    def _check_clock(self) -> Iterator[str]:
        if self._server_clock is None:
            yield "Not compared: the answer has no Date; mind it if the sign-in fails."
            return
        difference = clock_difference(self._server_clock, time.time())
        if difference:
            raise TargetError(f"{difference}; set it.")
        yield "This machine's clock agrees with Snowflake's."

    def _check_sign_in(self) -> Iterator[str]:
        user = self._value("CURRENT_USER")
        yield f"Signed in as {user} by {self._token.setting}."

    def _check_role(self) -> Iterator[str]:
        role = self._value("CURRENT_ROLE", "role")
        if not role:
            raise TargetError("The user has no default role; set role.")
        yield f"{role}{self._origin('role')}."

    def _check_warehouse(self) -> Iterator[str]:
        warehouse = self._value("CURRENT_WAREHOUSE", "role", "warehouse")
        if not warehouse:
            raise TargetError(
                f"{self._config.get('warehouse') or 'A default warehouse'} does not "
                "exist, or the role may not use it; set warehouse or grant USAGE on it."
            )
        yield f"{warehouse}{self._origin('warehouse')}."

    def _origin(self, setting: str) -> str:
        return "" if self._config.get(setting) else ", the user's default"

    def _check_database(self) -> Iterator[str]:
        sql = statements.schema_exists(self._database)
        self._has_schema = bool(self._ask(sql, self._schema).rows)
        yield f"{self._database} can be used."
        if self._has_schema:
            yield f"Schema {self._schema} exists."
        else:
            yield f"Schema {self._schema} is not there; the first load makes it."

    def _check_autocommit(self) -> Iterator[str]:
        rows = self._ask(autocommit.SHOW, settings=()).rows
        self._commits = False
        autocommit.check(rows)
        self._commits = True
        yield "What is executed stays."

    def _check_rights(self) -> Iterator[str]:
        name = f"{PREFIX}{secrets.token_hex(4).upper()}"
        if self._has_schema:
            yield from self._try_table(self._schema, name)
            return
        schema = statements.qualified(self._database, name)
        create = statements.create_schema(self._database, name)
        with self._made(create, f"DROP SCHEMA IF EXISTS {schema}"):
            yield f"A schema can be made in {self._database}."
            yield from self._try_table(name, name)

    def _try_table(self, schema: str, name: str) -> Iterator[str]:
        """Load two rows twice, as a load would, and read them back."""
        table = statements.qualified(self._database, schema, name)
        create = statements.create_table(table, TRIAL)
        with self._made(create, f"DROP TABLE IF EXISTS {table}"):
            yield f"A table can be made in {self._database}.{schema}."
            if not self._commits:
                return
            self._merge(table, inserted=len(KEYS), updated=0)
            self._merge(table, inserted=0, updated=len(KEYS))
            yield "Rows can be merged; merged again, they do not double."
            self._read(table)
            yield "What comes out is what went in."

    @contextmanager
    def _made(self, create: str, drop: str) -> Iterator[None]:
        """Make something for a while."""
        self._ask(create)
        try:
            yield
        finally:
            try:
                self._ask(drop)
            except TargetError as error:
                raise TargetError(f"{error} Run this yourself: {drop}") from error

    def _merge(self, table: str, *, inserted: int, updated: int) -> None:
        sources = [
            statements.element_source(name, "sequence", column)
            if name == statements.SEQUENCE
            else statements.property_source(name, name, column)
            for name, column in TRIAL.items()
        ]
        sample = {str(kind): row.sent for kind, row in SAMPLES.items()}
        batch = [{"record": {**sample, "ID": key}, "sequence": 1} for key in KEYS]
        result = self._ask(
            statements.merge(table, sources, ["ID"]),
            msgspec.json.encode(batch).decode(),
        )
        counts = result.count("inserted"), result.count("updated")
        if counts != (inserted, updated):
            raise TargetError(
                f"A MERGE of {len(KEYS)} rows has inserted {counts[0]} and updated "
                f"{counts[1]} instead of {inserted} and {updated}; if "
                "DEFAULT_DDL_COLLATION ignores case, keys that differ in case would be "
                "one row: set it to '' on the schema."
            )

    def _read(self, table: str) -> None:
        columns = ", ".join(map(statements.identifier, SAMPLES))
        rows = self._ask(f"SELECT {columns} FROM {table}").rows  # noqa: S608 - names are quoted
        if len(rows) != len(KEYS):
            raise TargetError(
                f"Of {len(KEYS)} rows that were merged {len(rows)} are there; do not "
                "load before this is understood."
            )
        for row in rows:
            for kind, kept in SAMPLES.items():
                if row[kind] != kept.read:
                    raise TargetError(
                        f"A {TRIAL[kind]} that was sent as {kept.sent} is now "
                        f"{row[kind]} and not {kept.read}; do not load before this "
                        "is understood."
                    )

    def _check_settings(self) -> Iterator[str]:
        return settings_told(self._ask("SHOW PARAMETERS", settings=()).rows)


def settings_told(rows: Collection[Mapping[str, str | None]]) -> Iterator[str]:
    """Tell which settings of the account are not as usual, and why that is no matter.

    Raises:
        TargetError: There are none.
    """
    if not rows:
        raise TargetError("SHOW PARAMETERS lists nothing; they are not compared.")
    listed = {str(row["key"]): row for row in rows}
    odd = {
        name: str(listed[name]["value"]) if name in listed else "not listed"
        for name in HARMLESS
        if name not in listed or listed[name]["value"] != listed[name]["default"]
    }
    for name, value in odd.items():
        yield f"{name} is {value}, which is no matter: {HARMLESS[name]}."
    if not odd:
        yield "The account changes nothing that matters for loads."
