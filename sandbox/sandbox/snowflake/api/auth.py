"""Who may sign in: key pairs and programmatic access tokens."""

from __future__ import annotations

import base64
import hashlib
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import jwt
import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox import config
from sandbox.snowflake.engine.errors import SnowflakeError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KEYPAIR = "KEYPAIR_JWT"
PAT = "PROGRAMMATIC_ACCESS_TOKEN"
OAUTH = "OAUTH"
LIFETIME_SECONDS = 3600
"""The longest life of a JWT, counted from its issue time, whatever ``exp`` says."""
CLOCK_TOLERANCE_SECONDS = 60
KEYS_OF_A_USER = 2
"""RSA_PUBLIC_KEY and RSA_PUBLIC_KEY_2: both are valid during a rotation."""

UNKNOWN_USER = 394300
BAD_ISSUE_TIME = 394302
EXPIRED = 394303
UNKNOWN_FINGERPRINT = 394304
BAD_SIGNATURE = 394306
WRONG_ACCOUNT = 394307

EXPLAINED = {"390144", "390303"}
"""Refusals whose message ends with a UUID that SYSTEM$GET_LOGIN_FAILURE_DETAILS knows:
https://docs.snowflake.com/en/sql-reference/functions/system_get_login_failure_details
"""


class JwtError(Exception):
    """A JWT is refused; the argument is the reason's code."""


def key_pair(data_dir: Path) -> bytes:
    """Return the loader's public key (PEM); make the pair if the folder has none.

    The private key is written as unencrypted PKCS#8, readable by its owner only.

    Args:
        data_dir: The server's data folder.
    """
    path = data_dir / config.PRIVATE_KEY_FILE
    if path.exists():
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    else:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        path.touch(mode=0o600)
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def fingerprint(public_key: bytes) -> str:
    """Return ``SHA256:…``, the name of a public key given as PEM.

    It is of the bytes as they were given: a library would write them anew, and those of
    a key for RSA-PSS as another kind.

    Raises:
        ValueError: It is no public key.
    """
    serialization.load_pem_public_key(public_key)
    der = base64.b64decode(b"".join(public_key.split(b"-----")[2].split()))
    return "SHA256:" + base64.b64encode(hashlib.sha256(der).digest()).decode()


@dataclass
class Users:
    """The account's one user and how it may sign in.

    Args:
        keys: PEM public keys by fingerprint, the oldest first, two at most.
        token: The programmatic access token; None when it is revoked.
        oauth_token: What an OAuth server has made.
        failures: Why a sign-in failed, as JSON text, by the UUID in its message.
    """

    keys: dict[str, bytes]
    token: str | None = config.PROGRAMMATIC_ACCESS_TOKEN
    oauth_token: str = config.OAUTH_TOKEN
    failures: dict[str, str] = field(default_factory=dict)

    def register(self, public_key: bytes) -> str:
        """Add a public key and return its fingerprint; a third replaces the oldest.

        Raises:
            ValueError: It is no PEM public key.
        """
        name = fingerprint(public_key)
        self.keys[name] = public_key
        while len(self.keys) > KEYS_OF_A_USER:
            del self.keys[next(iter(self.keys))]
        return name

    def sign_in(self, headers: Mapping[str, str]) -> None:
        """Check the token of a request.

        Args:
            headers: The request's headers, their names in any case.

        Raises:
            SnowflakeError: 401; its code says which kind of token was refused.
        """
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not token:
            message = "Authorization header not found in the request data."
            raise SnowflakeError("390101", "08001", message, 401)
        declared = headers.get("x-snowflake-authorization-token-type")
        kind = declared or (KEYPAIR if token.count(".") == 2 else PAT)  # noqa: PLR2004 - a JWT's parts
        if kind == KEYPAIR:
            self._check_jwt(token)
        elif kind == PAT:
            self._check_token(token)
        elif kind == OAUTH:
            if token != self.oauth_token:
                message = "Invalid OAuth access token."
                raise SnowflakeError("390303", "08001", message, 401)
        else:
            message = f"Unsupported authorization token type {kind}."
            raise SnowflakeError("390142", "08001", message, 400)

    def _check_token(self, token: str) -> None:
        if token != self.token:
            message = "Programmatic access token is invalid."
            raise SnowflakeError("394400", "08001", message, 401)

    def _check_jwt(self, token: str) -> None:
        try:
            self._verify(token)
        except JwtError as error:
            reason = error.args[0]
        except jwt.PyJWTError:
            reason = BAD_SIGNATURE
        else:
            return
        message = f"JWT token is invalid. [{self.explain(reason)}]"
        raise SnowflakeError("390144", "08001", message, 401)

    def explain(self, reason: int) -> str:
        """Keep why a sign-in failed; return the UUID under which it can be asked for.

        Args:
            reason: The code of the reason.
        """
        name = str(uuid.uuid4())
        details = {
            "clientIP": config.HOST,
            "clientType": "OTHER",
            "clientVersion": None,
            "username": config.USER,
            "errorCode": reason,
            "timestamp": int(time.time()),
        }
        self.failures[name] = msgspec.json.encode(details).decode()
        return name

    def _verify(self, token: str) -> None:
        claims = jwt.decode(token, options={"verify_signature": False})
        issuer, subject = str(claims.get("iss", "")), claims.get("sub")
        identity, _, name = issuer.rpartition(".")
        account, _, user = identity.partition(".")
        if account != config.ACCOUNT:
            raise JwtError(WRONG_ACCOUNT)
        if user != config.USER or subject != identity:
            raise JwtError(UNKNOWN_USER)
        if name not in self.keys:
            raise JwtError(UNKNOWN_FINGERPRINT)
        jwt.decode(
            token,
            self.keys[name],
            algorithms=["RS256"],
            options={"verify_exp": False, "verify_iat": False},
        )
        _check_times(claims)


def _check_times(claims: Mapping[str, Any]) -> None:
    now = time.time()
    issued, expires = claims.get("iat"), claims.get("exp")
    if not isinstance(issued, (int, float)) or issued > now + CLOCK_TOLERANCE_SECONDS:
        raise JwtError(BAD_ISSUE_TIME)
    if not isinstance(expires, (int, float)):
        raise JwtError(EXPIRED)
    if now > min(expires, issued + LIFETIME_SECONDS):
        raise JwtError(EXPIRED)
