"""Master data that hardly ever changes: contacts, ledgers, subaccounts."""

from __future__ import annotations

from sandbox.acumatica.company.parties import contact
from sandbox.acumatica.company.randomness import Maker
from sandbox.acumatica.model.values import MODIFIED, Fields, Record

CONTACTS = 40
LEDGERS = {"ACTUAL": "Actual", "BUDGET2026": "Budget", "STAT": "Statistical"}
DEPARTMENTS = ("General", "Sales", "Purchasing", "Administration")
SITES = ("Headquarters", "Northern Warehouse", "Southern Warehouse")


def master_data(seed: int) -> dict[str, list[Record]]:
    """The master data of the company with a seed number."""
    maker = Maker(f"master data {seed}")
    return {
        "Contact": [lone_contact(maker, number) for number in range(CONTACTS)],
        "Ledger": [ledger(maker, name, kind) for name, kind in LEDGERS.items()],
        "Subaccount": subaccounts(maker),
    }


def lone_contact(maker: Maker, number: int) -> Record:
    """A person of whom the company knows, with calls and mails that were planned."""
    [day] = maker.days(1)
    fields = contact(maker, f"Prospect {number}", day, maker.modified(day))
    activity = {
        "Billable": False,
        MODIFIED: fields[MODIFIED],
        "Status": maker.pick(("Open", "Completed")),
        "Summary": "Call back",
        "TimeSpent": maker.pick(("00:15", "01:30")),
    }
    planned = [activity] if maker.chance(0.5) else []
    fields |= {"ContactID": 200_000 + number, "Activities": planned}
    return Record(maker.guid(), fields)


def ledger(maker: Maker, name: str, kind: str) -> Record:
    """A ledger of the only branch."""
    [day] = maker.days(1)
    branch: Fields = {
        "Active": True,
        "BranchID": "MAIN",
        "BranchName": "Main Branch",
        "CompanyName": "Company",
    }
    company: Fields = {
        "Active": True,
        "Company": "COMPANY",
        "CompanyName": "Company",
        "CompanyType": "Without Branches",
    }
    fields = {
        "Branches": [branch],
        "Companies": [company],
        "ConsolidationSource": False,
        "Currency": None if kind == "Statistical" else "USD",
        "Description": f"{kind} ledger",
        MODIFIED: maker.modified(day),
        "LedgerID": name,
        "Type": kind,
    }
    return Record(maker.guid(), fields)


def subaccounts(maker: Maker) -> list[Record]:
    """Every site's departments; the one of the first of both is 000-000."""
    found: list[Record] = []
    for site, place in enumerate(SITES):
        for department, name in enumerate(DEPARTMENTS):
            fields: Fields = {
                "Active": True,
                "Description": f"{place}, {name}",
                "Secured": False,
                "SubaccountCD": f"{site:03d}-{department:03d}",
                "SubaccountID": 460 + len(found),
            }
            found.append(Record(maker.guid(), fields))
    return found
