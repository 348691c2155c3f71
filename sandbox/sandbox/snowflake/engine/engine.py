"""The embedded engine: fakesnow over DuckDB, one database file in the data folder.

Each request gets a connection of its own, so nothing of a session leaks into the next
one (the SQL API is stateless). Statements that write to one table, and definitions,
follow one another; readers never wait for them.

Times have microseconds, where Snowflake has nanoseconds.
"""

from __future__ import annotations

import threading
import warnings
from contextlib import contextmanager
from string import Template
from typing import TYPE_CHECKING

import fakesnow.cursor
import fakesnow.info_schema
import fakesnow.transforms
from fakesnow.instance import FakeSnow
from fakesnow.variables import Variables
from typing_extensions import override

from sandbox import config
from sandbox.snowflake.engine import catalog, macros
from sandbox.snowflake.engine.catalog import KEPT_LENGTHS, LENGTHS
from sandbox.snowflake.engine.connection import Connection, Shared
from sandbox.snowflake.engine.context import Context

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# fakesnow sums numbers as doubles; Snowflake's sum of a NUMBER is exact.
fakesnow.transforms.numeric_agg_implicit_cast = lambda expression: expression
# fakesnow keeps NUMBER(38,0) in 64 bits; Snowflake keeps 38 digits.
fakesnow.transforms.integer_precision = lambda expression: expression
# Advice of DuckDB to a caller that is fakesnow.
warnings.filterwarnings(
    "ignore", message="Arrow output on a DB-API", category=UserWarning
)

# fakesnow writes names into literals as they are, also those with an apostrophe.
record_lengths = fakesnow.info_schema.insert_text_lengths_sql


def escaped(name: str) -> str:
    """Return a name as it stands between apostrophes."""
    return name.replace("'", "''")


def record_lengths_of_any_names(
    catalog: str, schema: str, table: str, text_lengths: list[tuple[str, int]]
) -> str:
    """Return the statement with which fakesnow remembers the lengths of columns."""
    columns = [(escaped(name), length) for name, length in text_lengths]
    statement: str = record_lengths(
        escaped(catalog), escaped(schema), escaped(table), columns
    )
    return statement


class NamedMessage(Template):
    """A message of fakesnow about an object of any name."""

    @override
    def substitute(self, *_: object, name: str) -> str:  # type: ignore[override] # all that fakesnow fills in
        return super().substitute(name=escaped(name))


fakesnow.info_schema.insert_text_lengths_sql = record_lengths_of_any_names
for message in ("SQL_CREATED_TABLE", "SQL_CREATED_VIEW", "SQL_DROPPED"):
    template: Template = getattr(fakesnow.cursor, message)
    setattr(fakesnow.cursor, message, NamedMessage(template.template))


class NoVariables(Variables):
    """A session's variables: it has none, and a text such as '$A' is no mistake."""

    @override
    def inline_variables(self, sql: str) -> str:
        return sql


class Engine:
    """The database of the sandbox.

    Args:
        data_dir: The folder of the database file; it must exist.
    """

    def __init__(self, data_dir: Path) -> None:
        self.fakesnow = FakeSnow(db_path=data_dir)
        self.opening = threading.Lock()
        self.shared = Shared()
        first = Connection(
            self.shared, self.fakesnow.connect(config.DATABASE, "PUBLIC"), Context()
        )
        self.fakesnow.create_database_on_connect = False
        self.fakesnow.create_schema_on_connect = False
        for statement in [*macros.creation(config.DATABASE), *catalog.creation()]:
            first.raw(statement)
        first.raw(f"CREATE TABLE IF NOT EXISTS {KEPT_LENGTHS} AS FROM {LENGTHS}")
        first.raw(f"INSERT OR REPLACE INTO {LENGTHS} FROM {KEPT_LENGTHS}")
        first.close()

    @contextmanager
    def connect(self, context: Context) -> Iterator[Connection]:
        """Open a session for one request.

        Raises:
            SnowflakeError: The database or schema is not there.
        """
        with self.opening:
            link = self.fakesnow.connect()
        link.variables = NoVariables()
        connection = Connection(self.shared, link, context)
        try:
            connection.enter()
            yield connection
        finally:
            connection.close()

    def close(self) -> None:
        """Write everything to the database file and let go of it."""
        self.fakesnow.duck_conn.execute(f"CHECKPOINT {config.DATABASE}")
        self.fakesnow.duck_conn.close()
