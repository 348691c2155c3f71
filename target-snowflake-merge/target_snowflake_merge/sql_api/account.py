"""What follows from the name of an account: address, form in tokens, place (pure).

https://docs.snowflake.com/en/user-guide/admin-account-identifier
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from urllib.parse import urlsplit

from target_snowflake_merge.errors import TargetError

HOST = re.compile(r"(?:[a-z0-9._-]+|\[[0-9a-f:.]+])(?::[0-9]+)?", re.IGNORECASE)

SNOWFLAKE = re.compile(r"\.snowflakecomputing\.(com|cn)$", re.IGNORECASE)

SNOWSIGHT = "app.snowflake.com"
"""The web interface, whose addresses name organisation and account in their path."""


def base_url(account: str, host: str | None) -> str:
    """Return the address of the account.

    Args:
        account: The account identifier, or an address of the account.
        host: A host name for PrivateLink or another domain, with or without scheme
            and port. Without it the account's name decides.

    Returns:
        Scheme and host, without a slash at the end.

    Raises:
        TargetError: The address would send secrets in plain text, or is none.
    """
    if not host:
        name = _in_hosts(account)
        if not _is_host(name):
            # Whatever it is, it may be a secret that went astray.
            raise TargetError(
                "Setting account is no account identifier, such as "
                "organisation-account; correct it."
            )
        return f"https://{name}.snowflakecomputing.{_top_level_domain(account, name)}"
    address = host if "://" in host else f"https://{host}"
    try:
        parts = urlsplit(address)
        known = parts.scheme in {"http", "https"} and parts.port != 0
    except ValueError:  # a port that is no number, or half of an IPv6 address
        known = False
    if not known or not _is_host(parts.netloc):
        raise TargetError(
            "Setting host is no host name, such as organisation-account."
            "snowflakecomputing.com; correct it."
        )
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise TargetError(
            f"Setting host: {host} is not encrypted; use https (plain http is for this "
            "machine only)."
        )
    return f"{parts.scheme}://{parts.netloc}"


def _is_host(netloc: str) -> bool:
    """Say whether a name can be a host's, with or without a port.

    One such as ``a..b``, or a token in its place, would fail and be shown at a request.
    """
    try:
        re.sub(":[0-9]+$", "", netloc).encode("idna")
    except UnicodeError:
        return False
    return bool(HOST.fullmatch(netloc))


def _in_hosts(account: str) -> str:
    """Return an account's name in one form, however it was written."""
    return organisation_form(identifier(account)).lower().replace("_", "-")


def destination(account: str, database: str, schema: str) -> str:
    """Name the place in which rows end, however its account is written."""
    name = _in_hosts(account).removesuffix(".privatelink")
    return f"{name}/{database}/{schema}".upper()


def same_destination(one: str, other: str) -> bool:
    """Whether two names mean one place; older journals hold accounts as written."""
    return one == other or _renamed(one) == _renamed(other)


@lru_cache
def _renamed(written: str) -> str:
    account, *place = written.rsplit("/", 2)
    return destination(account, *place) if len(place) > 1 else written


def _top_level_domain(account: str, name: str) -> str:
    """Return how the address ends: regions of China have a domain of their own."""
    written = SNOWFLAKE.search(_host(account))
    if written:
        return written[1].lower()
    return "cn" if name.partition(".")[2].startswith("cn-") else "com"


def identifier(account: str) -> str:
    """Take an account's identifier out of an address that was pasted in its place."""
    account = account.strip()
    host = _host(account)
    if host.lower() == SNOWSIGHT:
        path = urlsplit(account).path if "://" in account else ""
        names = [part for part in path.split("/") if part]
        return _of_path(*names[:2]) if len(names) > 1 else account
    return SNOWFLAKE.sub("", host) if SNOWFLAKE.search(host) else account


def _of_path(first: str, second: str) -> str:
    """Name the account of an address like ``app.snowflake.com/organisation/account``.

    Older ones hold the region, which no organisation is called like, and the locator.
    """
    is_region = "-" in first or "." in first
    return f"{second}.{first}" if is_region else f"{first}-{second}"


def _host(account: str) -> str:
    """Return the host name of an address, or the text before the first slash."""
    host = re.split("[/?#]", account.strip().rpartition("://")[2])[0]
    return re.sub(":[0-9]*$", "", host)


def is_loopback(host: str) -> bool:
    """Say whether a host name or address means this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def jwt_account(account: str) -> str:
    """Write an account's name as the claims of a token want it.

    The region and cloud of a locator are cut off, ``org-account`` stays, and a period
    between organisation and account becomes a hyphen:
    https://docs.snowflake.com/en/developer-guide/sql-api/authenticating
    """
    name = identifier(account)
    if ".global" in name.lower():  # a replicated account: <name>-<hash>.global
        return name.partition("-")[0].upper()
    return organisation_form(name).partition(".")[0].upper()


def organisation_form(account: str) -> str:
    """Turn ``org.account``, as SQL writes it, into ``org-account``; leave the rest.

    Every region of a locator holds a hyphen, a name of an account never does.
    """
    first, dot, rest = account.partition(".")
    is_region = "-" in rest or "." in rest or rest.lower() in {"privatelink", "global"}
    return account if not dot or "-" in first or is_region else f"{first}-{rest}"
