"""The demo: a company's finance data from Acumatica to Snowflake, and what came out."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from sandbox import config, processes
from sandbox.acumatica.company.mutations import in_words
from sandbox.acumatica.control.admin_client import AcumaticaAdmin
from sandbox.snowflake.control.admin_client import SnowflakeAdmin
from sandbox.table import aligned

if TYPE_CHECKING:
    from collections.abc import Sequence

SCHEMA = "ACUMATICA"
JOB = ("tap-acumatica", "target-snowflake-merge")
FULL = ("tap-acumatica-full", "target-snowflake-merge")
SHOWN = re.compile(
    r"Created table \S+|Loaded [\w ]+: [\w ,]+|Marked (?!0 )[\w ]+"
    r"|\[(?:warning|error|critical).*"
)
"""What the terminal shows of Meltano's output."""


class Copied(NamedTuple):
    """A stream that the demo compares on both sides.

    Attributes:
        entity: The entity in Acumatica.
        table: The table in Snowflake.
        amount: What to sum up in Snowflake, None where there is no amount.
        source: Where the rows for that sum come from.
    """

    entity: str
    table: str
    amount: str | None = None
    source: str = ""


STREAMS = (
    Copied("Vendor", "VENDORS"),
    Copied("Bill", "BILLS", "AMOUNT"),
    Copied("PurchaseOrder", "PURCHASE_ORDERS", "ORDERTOTAL"),
    Copied("Check", "AP_PAYMENTS", "PAYMENTAMOUNT"),
    Copied("Account", "GL_ACCOUNTS"),
    Copied(
        "JournalTransaction",
        "JOURNAL_TRANSACTIONS",
        'line.value:"DebitAmount"::NUMBER(38, 9)',
        ", LATERAL FLATTEN(INPUT => DETAILS) AS line",
    ),
    Copied("SalesInvoice", "SALES_INVOICES", "AMOUNT"),
    Copied("Invoice", "AR_INVOICES", "AMOUNT"),
    Copied("Customer", "CUSTOMERS"),
)

TOP_VENDORS = """
SELECT v.VENDORID AS vendor, v.VENDORNAME AS name, COUNT(*) AS bills,
       SUM(b.AMOUNT)::NUMBER(38, 2) AS spend
FROM BILLS AS b JOIN VENDORS AS v ON v.VENDORID = b.VENDOR
WHERE b._SDC_DELETED_AT IS NULL
GROUP BY 1, 2 ORDER BY spend DESC LIMIT 10
"""

TRIAL_BALANCE = """
SELECT a.TYPE AS type, COUNT(DISTINCT a.ACCOUNTCD) AS accounts,
       SUM(line.value:"DebitAmount"::NUMBER(38, 4)) AS debit,
       SUM(line.value:"CreditAmount"::NUMBER(38, 4)) AS credit,
       SUM(line.value:"DebitAmount"::NUMBER(38, 4)
           - line.value:"CreditAmount"::NUMBER(38, 4)) AS balance
FROM JOURNAL_TRANSACTIONS, LATERAL FLATTEN(INPUT => DETAILS) AS line
JOIN GL_ACCOUNTS AS a ON a.ACCOUNTCD = line.value:"Account"::VARCHAR
WHERE JOURNAL_TRANSACTIONS._SDC_DELETED_AT IS NULL
GROUP BY 1 ORDER BY 1
"""

LINE_DETAIL = """
SELECT REFERENCENBR AS bill, line.value:"Account"::VARCHAR AS account,
       line.value:"TransactionDescription"::VARCHAR AS description,
       line.value:"Qty"::NUMBER(38, 4) AS qty,
       line.value:"UnitCost"::NUMBER(38, 4) AS unit_cost,
       line.value:"Amount"::NUMBER(38, 4) AS amount
FROM BILLS, LATERAL FLATTEN(INPUT => DETAILS) AS line
ORDER BY BILLS.LASTMODIFIEDDATETIME DESC, 1, 2 LIMIT 5
"""


def run(data_dir: Path, acumatica_port: int, snowflake_port: int) -> None:
    """Run the demo from the start; what the sandbox kept before is removed.

    Args:
        data_dir: The folder of the sandbox.
        acumatica_port: Where the Acumatica server listens; 0 takes a free port.
        snowflake_port: Where the Snowflake server listens; 0 takes a free port.

    Raises:
        SandboxError: Something else listens on a port, the pipeline failed, or the two
            sides are not equal at the end.
    """
    began = time.monotonic()
    ports = {"acumatica": acumatica_port, "snowflake": snowflake_port}
    for port in ports.values():
        processes.require_free(port)
    shutil.rmtree(data_dir, ignore_errors=True)
    data_dir.mkdir(parents=True)
    with ExitStack() as stack:
        servers = []
        for name, port in (
            ("acumatica", acumatica_port),
            ("snowflake", snowflake_port),
        ):
            say(f"Starting the {name} server of the sandbox")
            server = processes.start(name, data_dir, "--port", str(port))
            servers.append(stack.enter_context(server))
        copy(Project(data_dir, *(server.url for server in servers)))
    say(f"Done in {time.monotonic() - began:.0f} seconds; the sandbox is stopped.")
    say("To look around, keep it up with `.venv/bin/sandbox up` in one terminal; then")
    say('  .venv/bin/sandbox sql "select * from ACUMATICA.BILLS limit 5"')
    say("  .venv/bin/sandbox mutate --days 3")
    say("  .venv/bin/meltano run tap-acumatica target-snowflake-merge")


class Project(NamedTuple):
    """The Meltano project in its environment ``sandbox``.

    Attributes:
        data_dir: The folder of the sandbox.
        acumatica_url: The Acumatica server.
        snowflake_url: The Snowflake server.
    """

    data_dir: Path
    acumatica_url: str
    snowflake_url: str

    @property
    def log(self) -> Path:
        """The file with the whole output of Meltano."""
        return self.data_dir / "meltano.log"

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables that lead Meltano to the servers."""
        return {
            **os.environ,
            "MELTANO_ENVIRONMENT": "sandbox",
            "NO_COLOR": "1",
            **config.variables(*self),
        }


def copy(project: Project) -> None:
    """Run the pipeline, let days pass, run it again, and compare both sides."""
    acumatica = AcumaticaAdmin(project.acumatica_url)
    snowflake = SnowflakeAdmin(project.snowflake_url)
    for job in (JOB, FULL):
        # They may have had other ports: another instance, to the tap.
        state_id = f"sandbox:{'-to-'.join(job)}"
        says = f"Forgetting where earlier runs of {job[0]} stopped"
        meltano(project, "state", "clear", "--force", state_id, says=says)
    meltano(project, "run", *JOB, says="First run: everything there is")
    say("Three business days pass in Acumatica")
    for entity, change in acumatica.mutate(days=3, deletes=True).items():
        say(f"  {entity}: {in_words(change)}")
    meltano(project, "run", *JOB, says="Second run: what has changed since")
    meltano(project, "run", *FULL, says="Weekly full refresh: what has been deleted")
    report(acumatica, snowflake)


def meltano(project: Project, *arguments: str, says: str) -> None:
    """Run a Meltano command of the project in the environment ``sandbox``.

    Args:
        project: The project; its log takes the whole output, the terminal shows what
            was loaded and what went wrong.
        arguments: The command's arguments.
        says: What to tell before.

    Raises:
        SandboxError: The command failed.
    """
    say(says)
    command = [str(Path(sys.executable).parent / "meltano"), *arguments]
    began = time.monotonic()
    with (
        project.log.open("a", encoding="utf-8") as file,
        subprocess.Popen(  # noqa: S603 - our own command
            command,
            env=project.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process,
    ):
        for line in process.stdout or ():
            file.write(line)
            if shown := SHOWN.search(line):
                say(f"  {shown[0].strip()}")
    if process.returncode:
        raise processes.SandboxError(
            f"`meltano {' '.join(arguments)}` failed; {project.log} holds the output."
        )
    say(f"  took {time.monotonic() - began:.1f} seconds")


def report(acumatica: AcumaticaAdmin, snowflake: SnowflakeAdmin) -> None:
    """Show what a finance analyst cares about.

    Raises:
        SandboxError: The two sides differ, or the trial balance is not zero.
    """
    rows = compare(acumatica, snowflake)
    show("Both sides", list(COMPARED), rows)
    show("The ten vendors with the highest spend", *snowflake.sql(TOP_VENDORS, SCHEMA))
    columns, balances = snowflake.sql(TRIAL_BALANCE, SCHEMA)
    total = sum(Decimal(row[-1]) for row in balances)
    show("Trial balance", columns, [*balances, ["total", "", "", "", str(total)]])
    show("Lines of bills, out of a VARIANT", *snowflake.sql(LINE_DETAIL, SCHEMA))
    unequal = [
        row.table
        for row in rows
        if row.acumatica != row.snowflake or row.amount != row.copied
    ]
    if unequal or total:
        raise processes.SandboxError(
            f"Not equal on both sides: {', '.join(unequal) or 'the trial balance'}."
        )


class Compared(NamedTuple):
    """Rows and sums of a stream in Acumatica and in Snowflake."""

    table: str
    acumatica: str
    snowflake: str
    deleted: str
    amount: str
    copied: str


COMPARED = ("table", "Acumatica", "Snowflake", "marked deleted", "amount", "copied")


def compare(acumatica: AcumaticaAdmin, snowflake: SnowflakeAdmin) -> list[Compared]:
    """Count and sum up each stream on both sides; marked rows count apart."""
    truth = acumatica.summary()
    compared = []
    for stream in STREAMS:
        source = truth[stream.entity]
        _, [[rows, deleted]] = snowflake.sql(
            "SELECT COUNT_IF(_SDC_DELETED_AT IS NULL), "  # noqa: S608 - names of ours
            f"COUNT_IF(_SDC_DELETED_AT IS NOT NULL) FROM {stream.table}",
            SCHEMA,
        )
        amounts = ("", "")
        if stream.amount and source["amount"]:
            _, [[amount]] = snowflake.sql(
                f"SELECT SUM({stream.amount}) FROM {stream.table}{stream.source} "  # noqa: S608 - as above
                "WHERE _SDC_DELETED_AT IS NULL",
                SCHEMA,
            )
            amounts = (plain(source["amount"]), plain(amount))
        counts = (str(source["rows"]), str(rows), str(deleted))
        compared.append(Compared(stream.table, *counts, *amounts))
    return compared


def plain(amount: str) -> str:
    """Write an amount with all of its digits but no zeros at its end."""
    return f"{Decimal(amount).normalize():,f}"


def say(text: str) -> None:
    """Print a line of progress at once."""
    click.echo(f"demo | {text}")


def show(title: str, columns: list[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table under its title."""
    click.echo(f"\n{title}\n{aligned(columns, rows)}")
