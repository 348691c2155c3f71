"""Signing in to the SQL API: key-pair JWT, programmatic access token, OAuth token.

What Snowflake asks for is described in its guide "Authenticating to the server":
https://docs.snowflake.com/en/developer-guide/sql-api/authenticating
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import threading
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from requests.auth import AuthBase
from typing_extensions import override

from target_snowflake_merge.errors import TargetError, excerpt
from target_snowflake_merge.sql_api.account import jwt_account

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
    from requests import PreparedRequest

LIFETIME_SECONDS = 59 * 60
"""Snowflake accepts at most one hour."""

RENEW_BEFORE_SECONDS = 5 * 60
"""A token this close to its end is signed anew, so that none expires on the way."""

MINIMUM_KEY_BITS = 2048

SIGN_IN = (
    "private_key",
    "private_key_path",
    "programmatic_access_token",
    "oauth_token",
)
"""The settings that say how to sign in, of which exactly one is given."""

PEM_BEGIN = b"-----BEGIN"

RSASSA_PSS = bytes.fromhex("06092a864886f70d01010a")
"""How a key for RSA-PSS alone names itself, in DER: OID 1.2.840.113549.1.1.10."""

ALGORITHM_WITHIN = 32
"""Bytes at the beginning of a key in PKCS#8, among which the algorithm's name is."""

REWRITE = (
    "openssl pkcs8 -topk8 -v2 aes256 -in OLD -out NEW, with -provider legacy -provider "
    "default where openssl does not know the cipher either"
)
"""Encrypts a key anew, as Snowflake's guide does."""

ODD_KEYS = {
    b"BEGIN OPENSSH": "in OpenSSH's form; rewrite it with ssh-keygen -p -m PKCS8 -f",
    b"BEGIN PUBLIC": "a public key, which belongs to the user in Snowflake; give the "
    "private one",
    b"BEGIN CERTIFICATE": "a certificate; give the private key",
}
"""What people give in place of a key in a form that Snowflake's guide describes."""


class Authenticator(AuthBase, ABC):
    """Sets the headers that sign a request in.

    As an ``AuthBase`` it is called for every request, also for a resend, and keeps
    requests from putting an entry of ``~/.netrc`` in the place of the token.
    """

    setting: str
    """The setting that says how to sign in, for people."""

    token_type: str
    """The value of ``X-Snowflake-Authorization-Token-Type``."""

    remedy: str
    """What to look at when Snowflake refuses the token."""

    @abstractmethod
    def token(self) -> str:
        """Return the token to send now."""

    def renew(self) -> bool:
        """Forget the token after a 401.

        Returns:
            Whether the next token will be another one, so that it is worth a try.
        """
        return False

    @override
    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        r.headers["Authorization"] = f"Bearer {self.token()}"
        r.headers["X-Snowflake-Authorization-Token-Type"] = self.token_type
        return r


class BearerToken(Authenticator):
    """A token that somebody else has made, sent as it is."""

    def __init__(self, token: str) -> None:
        """Take a token, as it was copied or read from a file.

        Raises:
            TargetError: No header could carry it, and the library's own error would
                show it.
        """
        self._token = token.strip()
        if not re.fullmatch(r"[!-~]+", self._token):
            raise TargetError(
                f"The {self.setting} holds a space, a line break or another character "
                "that no token has; copy it again."
            )

    @override
    def token(self) -> str:
        return self._token


class AccessToken(BearerToken):
    """A programmatic access token.

    https://docs.snowflake.com/en/user-guide/programmatic-access-tokens
    """

    setting = "programmatic_access_token"
    token_type = "PROGRAMMATIC_ACCESS_TOKEN"  # noqa: S105 - the name of a kind
    remedy = (
        "check that the programmatic_access_token is complete, has not expired and "
        "that a network policy covers its user"
    )


class OAuthToken(BearerToken):
    """An access token of Snowflake OAuth or of an external OAuth server."""

    setting = "oauth_token"
    token_type = "OAUTH"  # noqa: S105 - the name of a kind
    remedy = (
        "check that the oauth_token is complete, is meant for this account and has not "
        "expired: it is not renewed here, so get a new one for each run"
    )


class KeyPair(Authenticator):
    """Signs short-lived JSON Web Tokens with the user's private key."""

    setting = "key pair"
    token_type = "KEYPAIR_JWT"  # noqa: S105 - the name of a kind

    def __init__(
        self,
        account: str,
        user: str,
        private_key: RSAPrivateKey,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Prepare to sign for one user.

        Args:
            account: The account as the settings name it.
            user: The LOGIN_NAME of the user, in any case.
            private_key: The key whose public half the user has.
            clock: Seconds since 1970; tests move it.
        """
        subject = f"{jwt_account(account)}.{user.upper()}"
        public_key = fingerprint(private_key)
        self.remedy = (
            "check account and user, that the user's RSA_PUBLIC_KEY_FP is "
            f"{public_key}, and that this machine's clock is right"
        )
        self._claims = {"iss": f"{subject}.{public_key}", "sub": subject}
        self._private_key = private_key
        self._clock = clock
        self._lock = threading.Lock()
        self._token = ""
        self._renew_at = 0.0

    @override
    def token(self) -> str:
        with self._lock:
            now = self._clock()
            if now >= self._renew_at:
                times = {"iat": int(now), "exp": int(now) + LIFETIME_SECONDS}
                self._token = jwt.encode(
                    self._claims | times, self._private_key, algorithm="RS256"
                )
                self._renew_at = now + LIFETIME_SECONDS - RENEW_BEFORE_SECONDS
            return self._token

    @override
    def renew(self) -> bool:
        with self._lock:
            self._renew_at = 0.0
        return True


def fingerprint(private_key: RSAPrivateKey) -> str:
    """Return what Snowflake shows as the user's RSA_PUBLIC_KEY_FP."""
    der = private_key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return f"SHA256:{base64.b64encode(hashlib.sha256(der).digest()).decode()}"


def authenticator(config: Mapping[str, Any]) -> Authenticator:
    """Choose how to sign in by the settings that are given.

    Raises:
        TargetError: None or more than one way is given, or the key cannot be used.
    """
    given = [name for name in SIGN_IN if config.get(name)]
    if len(given) != 1:
        found = " and ".join(given) or "none"
        raise TargetError(
            f"Set exactly one of {', '.join(SIGN_IN)} to sign in; found {found}."
        )
    for kind in (AccessToken, OAuthToken):
        if given == [kind.setting]:
            return kind(config[kind.setting])
    if not config.get("user"):
        raise TargetError("Setting user is missing; a key pair needs it.")
    path = config.get("private_key_path")
    key = (
        read_key_file(Path(path))
        if path
        else config["private_key"].encode(errors="replace")
    )
    private_key = load_private_key(key, config.get("private_key_passphrase"))
    return KeyPair(config["account"], config["user"], private_key)


def read_key_file(path: Path) -> bytes:
    """Read a file with a private key.

    Raises:
        TargetError: The file cannot be read.
    """
    try:
        return path.expanduser().read_bytes()
    except (OSError, RuntimeError) as error:  # no such file; a user without a folder
        reason = getattr(error, "strerror", None) or error
        raise TargetError(
            f"Setting private_key_path: {path} cannot be read ({reason}); give the "
            "path of the private key's file."
        ) from error


def load_private_key(key: bytes, passphrase: str | None) -> RSAPrivateKey:
    r"""Read a private key: PKCS#8 or PKCS#1, in PEM or DER, encrypted or not.

    Args:
        key: PEM text, where ``\n`` or ``\r\n`` may be written out, as environment
            variables carry it; or DER, as it is or in base64.
        passphrase: What the key is encrypted with, if it is.

    Raises:
        TargetError: It is no usable key; the sentence says why.
    """
    data = _normalised(key)
    try:
        password = passphrase.encode() if passphrase else None
        loaded = _load(data, password)
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        raise TargetError(_why_unreadable(data, passphrase, error)) from error
    if RSASSA_PSS in _der(data)[:ALGORITHM_WITHIN]:
        raise TargetError(
            "The private key is for RSA-PSS alone, and Snowflake's tokens are signed "
            "by RS256; make one with openssl genrsa 2048 | openssl pkcs8 -topk8 "
            "-inform PEM."
        )
    if not isinstance(loaded, RSAPrivateKey) or loaded.key_size < MINIMUM_KEY_BITS:
        raise TargetError(
            "The private key is no RSA key of at least 2048 bits; make one with "
            "openssl genrsa 2048 | openssl pkcs8 -topk8 -inform PEM."
        )
    return loaded


def _normalised(key: bytes) -> bytes:
    r"""Return PEM with its line breaks, or DER.

    Variables and forms lose line breaks: they arrive as ``\n``, as ``\r\n`` or as
    spaces.
    """
    text = key.replace(b"\\r", b"").replace(b"\\n", b"\n").strip()
    if PEM_BEGIN in text:
        found = re.fullmatch(rb"(-----[^-]+-----)([^-:]+)(-----[^-]+-----)", text)
        if not found:
            return text
        return b"\n".join([found[1], *found[2].split(), found[3], b""])
    try:
        return base64.b64decode(b"".join(text.split()), validate=True)
    except binascii.Error:
        return key


def _load(data: bytes, password: bytes | None) -> PrivateKeyTypes:
    if PEM_BEGIN in data:
        return serialization.load_pem_private_key(data, password)
    return serialization.load_der_private_key(data, password)


def _der(data: bytes) -> bytes:
    """Return a key that can be read without its armour."""
    found = re.search(rb"-----BEGIN[^-]+-----([^-]+)-----END", data)
    # A key in PEM with headers is PKCS#1, which names no algorithm.
    return data if not found or b":" in found[1] else base64.b64decode(found[1])


def _why_unreadable(data: bytes, passphrase: str | None, error: Exception) -> str:
    for mark, reason in ODD_KEYS.items():
        if mark in data:
            return f"The private key is {reason}."
    encrypted = _is_encrypted(data)
    if encrypted and not passphrase:
        return (
            "The private key is encrypted, and private_key_passphrase is not set; "
            "set it."
        )
    if encrypted and _is_about_passphrase(error):
        return "The private key does not open with private_key_passphrase; correct it."
    if encrypted:
        return (
            "The private key is encrypted in a way that cannot be read here, whatever "
            f"the passphrase ({excerpt(error).rstrip('.')}); rewrite it "
            f"with {REWRITE}."
        )
    if encrypted is False and passphrase:
        return (
            "private_key_passphrase is set, but the private key is not encrypted; "
            "remove the passphrase or give the encrypted key."
        )
    return (
        "The private key is neither in PEM form, from -----BEGIN to -----END with its "
        "line breaks, nor in DER form; give the whole key."
    )


def _is_about_passphrase(error: Exception) -> bool:
    """Whether another passphrase may help: only the wording tells it from a cipher."""
    return isinstance(error, UnicodeError) or "password" in str(error).lower()


def _is_encrypted(data: bytes) -> bool | None:
    """Say whether a key needs a passphrase, or None where it is no key at all."""
    try:
        _load(data, None)
    except TypeError:
        return True
    except (ValueError, UnsupportedAlgorithm):
        return None
    return False
