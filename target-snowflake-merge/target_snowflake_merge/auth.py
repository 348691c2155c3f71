"""Signing in to the SQL API: key-pair JWT or programmatic access token.

What Snowflake asks for is described in its guide "Authenticating to the server":
https://docs.snowflake.com/en/developer-guide/sql-api/authenticating
"""

from __future__ import annotations

import base64
import hashlib
import re
import threading
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from requests.auth import AuthBase
from typing_extensions import override

from target_snowflake_merge.account import jwt_account
from target_snowflake_merge.errors import TargetError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from requests import PreparedRequest

LIFETIME_SECONDS = 59 * 60
"""Snowflake accepts at most one hour."""

RENEW_BEFORE_SECONDS = 5 * 60
"""A token this close to its end is signed anew, so that none expires on the way."""

MINIMUM_KEY_BITS = 2048


class Authenticator(AuthBase, ABC):
    """Sets the headers that sign a request in.

    As an ``AuthBase`` it is called for every request, also for a resend, and keeps
    requests from putting an entry of ``~/.netrc`` in the place of the token.
    """

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


class AccessToken(Authenticator):
    """A programmatic access token, sent as it is."""

    token_type = "PROGRAMMATIC_ACCESS_TOKEN"  # noqa: S105 - the name of a kind
    remedy = (
        "check that the programmatic_access_token is complete, has not expired and "
        "that a network policy covers its user"
    )

    def __init__(self, token: str) -> None:
        """Take a token, as it was copied or read from a file.

        Args:
            token: The token; white space around it does not count.

        Raises:
            TargetError: No header could carry it, and the library's own error would
                show it.
        """
        self._token = token.strip()
        if not re.fullmatch(r"[!-~]+", self._token):
            raise TargetError(
                "The programmatic_access_token holds a space, a line break or another "
                "character that no token has; copy it again."
            )

    @override
    def token(self) -> str:
        return self._token


class KeyPair(Authenticator):
    """Signs short-lived JSON Web Tokens with the user's private key."""

    token_type = "KEYPAIR_JWT"  # noqa: S105 - the name of a kind
    remedy = (
        "check account and user, that the user's RSA_PUBLIC_KEY belongs to the private "
        "key, and that this machine's clock is right"
    )

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
        self._claims = {"iss": f"{subject}.{fingerprint(private_key)}", "sub": subject}
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
    """Return what Snowflake shows as the user's RSA_PUBLIC_KEY_FP.

    Args:
        private_key: The key whose public half is meant.

    Returns:
        ``SHA256:`` and the base64 digest of the public key's DER form.
    """
    der = private_key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return f"SHA256:{base64.b64encode(hashlib.sha256(der).digest()).decode()}"


def read_key_file(path: Path) -> str:
    """Read a PEM file.

    Args:
        path: The file that the setting private_key_path names.

    Returns:
        Its text.

    Raises:
        TargetError: The file cannot be read, or holds no text.
    """
    try:
        return path.read_text(encoding="ascii")
    except OSError as error:
        raise TargetError(
            f"Setting private_key_path: {path} cannot be read ({error.strerror}); "
            "give the path of the private key's PEM file."
        ) from error
    except UnicodeDecodeError as error:
        raise TargetError(
            f"Setting private_key_path: {path} is no PEM file; give a private key that "
            "begins with -----BEGIN."
        ) from error


def load_private_key(pem: str, passphrase: str | None) -> RSAPrivateKey:
    r"""Read a private key from PEM text.

    Args:
        pem: The text; ``\n`` written out, as environment variables carry it, is a line
            break.
        passphrase: What the key is encrypted with, if it is.

    Returns:
        The RSA key.

    Raises:
        TargetError: The text is no usable key; the sentence says why.
    """
    data = pem.replace("\\n", "\n").strip().encode()
    password = passphrase.encode() if passphrase else None
    try:
        key = serialization.load_pem_private_key(data, password)
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        raise TargetError(_why_unreadable(data, passphrase)) from error
    if not isinstance(key, RSAPrivateKey) or key.key_size < MINIMUM_KEY_BITS:
        raise TargetError(
            "The private key is no RSA key of at least 2048 bits; make one with "
            "openssl genrsa 2048 | openssl pkcs8 -topk8 -inform PEM."
        )
    return key


def _why_unreadable(data: bytes, passphrase: str | None) -> str:
    encrypted = b"ENCRYPTED" in data
    if encrypted and not passphrase:
        return (
            "The private key is encrypted, and private_key_passphrase is not set; "
            "set it."
        )
    if encrypted:
        return "The private key does not open with private_key_passphrase; correct it."
    if passphrase and b"-----BEGIN" in data:
        return (
            "private_key_passphrase is set, but the private key is not encrypted or "
            "not readable; remove the passphrase or give the encrypted key."
        )
    return (
        "The private key is not in PEM form; give the whole text, from -----BEGIN to "
        "-----END, line breaks included."
    )
