"""What follows from the name of an account: its address, and its form in tokens (pure).

https://docs.snowflake.com/en/user-guide/admin-account-identifier
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from target_snowflake_merge.errors import TargetError

HOST = re.compile(r"(?:[a-z0-9._-]+|\[[0-9a-f:.]+])(?::[0-9]+)?", re.IGNORECASE)


def base_url(account: str, host: str | None) -> str:
    """Return the address of the account.

    Args:
        account: The account identifier.
        host: A host name for PrivateLink or another domain, with or without scheme
            and port. Without it the account's name decides.

    Returns:
        Scheme and host, without a slash at the end.

    Raises:
        TargetError: The address would send secrets in plain text, or is none.
    """
    if not host:
        name = organisation_form(account).lower().replace("_", "-")
        if not HOST.fullmatch(name):
            raise TargetError(
                f"Setting account: {account} is no account identifier, such as "
                "organisation-account; correct it."
            )
        return f"https://{name}.snowflakecomputing.com"
    address = host if "://" in host else f"https://{host}"
    try:
        parts = urlsplit(address)
        known = parts.scheme in {"http", "https"} and parts.port != 0
    except ValueError:  # a port that is no number, or half of an IPv6 address
        known = False
    if not known or not HOST.fullmatch(parts.netloc):
        raise TargetError(f"Setting host: {host} is no host name; correct it.")
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise TargetError(
            f"Setting host: {host} is not encrypted; use https (plain http is for this "
            "machine only)."
        )
    return f"{parts.scheme}://{parts.netloc}"


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
    between organisation and account becomes a hyphen.

    Args:
        account: The account identifier, such as ``xy12345.us-east-1``.

    Returns:
        The name in upper case.
    """
    if ".global" in account.lower():  # a replicated account: <name>-<hash>.global
        return account.partition("-")[0].upper()
    return organisation_form(account).partition(".")[0].upper()


def organisation_form(account: str) -> str:
    """Turn ``org.account``, as SQL writes it, into ``org-account``; leave the rest.

    Every region of a locator holds a hyphen, a name of an account never does.

    Args:
        account: The account identifier.

    Returns:
        The same identifier, as host names write it.
    """
    first, dot, rest = account.partition(".")
    is_region = "-" in rest or "." in rest or rest.lower() in {"privatelink", "global"}
    return account if not dot or "-" in first or is_region else f"{first}-{rest}"
