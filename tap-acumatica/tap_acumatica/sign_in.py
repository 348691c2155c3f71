"""From the settings to an address and a way of signing in to it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tap_acumatica.auth import (
    Authenticator,
    CookieAuthenticator,
    PasswordAuthenticator,
    RefreshTokenAuthenticator,
)
from tap_acumatica.errors import SettingError
from tap_acumatica.state import Source
from tap_acumatica.token_file import TokenFile

if TYPE_CHECKING:
    from collections.abc import Mapping

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
PORTS = {"http": ":80", "https": ":443"}
"""What need not be said in an address, by its scheme."""
_HEADER_VALUE = re.compile(r"[!-~\xa1-\xff][ -~\xa0-\xff]*")
"""What a header can carry: Latin-1, on one line (RFC 9110, 5.5)."""


def instance_url(value: str) -> str:
    """Return the instance's address without a slash at its end.

    Raises:
        SettingError: It is no address, or it would send the password in clear.
    """
    try:
        parts = urlsplit(value)
        # What cannot be a host's name, such as a..b, fails here and not at a request.
        (parts.hostname or "").encode("idna")
    except ValueError:
        parts = urlsplit("")
    if "@" in parts.netloc:
        raise SettingError(
            "Setting 'instance_url' holds a user before its @; use the settings "
            "username and password."
        )
    # Our paths are put at its end.
    if (
        parts.scheme not in {"http", "https"}
        or not parts.hostname
        or parts.query
        or parts.fragment
    ):
        # Whatever it is, it may hold a password.
        raise SettingError(
            "Setting 'instance_url' is no address such as https://erp.example.com."
        )
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise SettingError(
            "Setting 'instance_url' starts with http://, which would send the password "
            "unencrypted; use https://."
        )
    return value.rstrip("/")


def source(settings: Mapping[str, Any]) -> Source:
    """Return what the settings have read.

    Raises:
        SettingError: The address is none.
    """
    parts = urlsplit(instance_url(settings["instance_url"]))
    host = parts.netloc.lower().removesuffix(PORTS[parts.scheme])
    named = settings.get("client_id", "").partition("@")[2]
    return Source(
        f"{parts.scheme}://{host}{parts.path}", named or settings.get("tenant", "")
    )


def header_value(setting: str, value: str) -> str:
    """Return a setting's value that is sent as a header.

    Raises:
        SettingError: A header cannot carry it.
    """
    if not _HEADER_VALUE.fullmatch(value):
        raise SettingError(
            f"Setting '{setting}' cannot be sent: it takes one line of Latin letters, "
            "digits and signs, without a space before it."
        )
    return value


def authenticator(url: str, settings: Mapping[str, Any]) -> Authenticator:
    """Choose how to sign in by the settings that are given.

    With client_id it is OAuth: by a refresh token where there is one, else by the
    user's password. Without it, it is a session with cookies.

    Args:
        url: The instance's address.
        settings: The settings.

    Raises:
        SettingError: A setting is missing, or contradicts another one.
    """
    if not (settings.get("client_id") or settings.get("client_secret")):
        user = _demanded(settings, "cookies", "username", "password")
        names = ("tenant", "branch", "locale")
        session = {name: settings[name] for name in names if settings.get(name)}
        return CookieAuthenticator(url, **user, **session)
    if settings.get("locale"):
        raise SettingError(
            "Setting 'locale' has an effect only where the tap signs in with cookies; "
            "with client_id it signs in with OAuth. Remove one of the two."
        )
    if settings.get("refresh_token") or settings.get("refresh_token_path"):
        client = oauth_client(settings, "a refresh token")
        file = token_file(settings)
        return RefreshTokenAuthenticator(url, **client, file=file)
    client = oauth_client(settings, "a password", "username", "password")
    return PasswordAuthenticator(url, **client)


def oauth_client(
    settings: Mapping[str, Any], means: str, *further: str
) -> dict[str, str]:
    """Return client ID and secret; the ID names its tenant.

    Args:
        settings: The settings.
        means: What the tap signs in with, for an error.
        further: Settings that are needed and returned as well.

    Raises:
        SettingError: One is missing, or the tenant is not that of the client ID.
    """
    needed = _demanded(settings, means, "client_id", "client_secret", *further)
    tenant = settings.get("tenant")
    named = needed["client_id"].partition("@")[2]
    if tenant and named and tenant != named:
        raise SettingError(
            f"Setting 'tenant' is {tenant}, but client_id is of tenant {named}; "
            "remove tenant, or use the client ID of an application of that tenant."
        )
    if tenant and not named:
        needed["client_id"] += f"@{tenant}"
    return needed


def token_file(settings: Mapping[str, Any]) -> TokenFile:
    """Return the file of refresh tokens.

    Raises:
        SettingError: It is not named, so that the next token would be lost.
    """
    needed = _demanded(settings, "a refresh token", "refresh_token_path")
    return TokenFile(needed["refresh_token_path"], settings.get("refresh_token"))


def _demanded(settings: Mapping[str, Any], means: str, *names: str) -> dict[str, str]:
    if missing := [name for name in names if not settings.get(name)]:
        raise SettingError(
            f"To sign in with {means}, these settings are missing: "
            f"{', '.join(missing)}."
        )
    return {name: settings[name] for name in names}
