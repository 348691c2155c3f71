"""Who may sign in to the SQL API, and what the others are told."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from typing import TYPE_CHECKING, Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sandbox import config
from tests.helpers.keys import for_pss_alone

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from sandbox.snowflake.control.admin_client import SnowflakeAdmin

    from tests.sandbox.conftest import SnowflakeClient

IDENTITY = f"{config.ACCOUNT}.{config.USER}"


@pytest.fixture(scope="module")
def other_key() -> RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_pem(key: RSAPrivateKey) -> str:
    return (
        key.public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def now() -> int:
    return int(time.time())


def test_an_oauth_token_signs_in(snowflake: SnowflakeClient) -> None:
    headers = snowflake.headers(
        **{
            **bearer(config.OAUTH_TOKEN),
            "X-Snowflake-Authorization-Token-Type": "OAUTH",
        }
    )
    assert snowflake.post("SELECT 1", headers=headers).status_code == 200


def test_the_private_key_is_the_owners_alone(
    snowflake_dir: Path, snowflake_key: RSAPrivateKey
) -> None:
    path = snowflake_dir / config.PRIVATE_KEY_FILE
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text().startswith("-----BEGIN PRIVATE KEY-----")
    assert snowflake_key.key_size == 2048


@pytest.mark.parametrize("kind", [None, "KEYPAIR_JWT"])
def test_a_signed_jwt_is_accepted(snowflake: SnowflakeClient, kind: str | None) -> None:
    headers = snowflake.headers(**{"X-Snowflake-Authorization-Token-Type": kind})
    assert snowflake.post("SELECT 1", headers=headers).status_code == 200


@pytest.mark.parametrize("kind", [None, "PROGRAMMATIC_ACCESS_TOKEN"])
def test_a_programmatic_access_token(
    snowflake: SnowflakeClient, kind: str | None
) -> None:
    headers = snowflake.headers(**{"X-Snowflake-Authorization-Token-Type": kind})
    right = {**headers, **bearer(config.PROGRAMMATIC_ACCESS_TOKEN)}
    assert snowflake.post("SELECT 1", headers=right).status_code == 200
    wrong = {**headers, **bearer("wrong")}
    assert snowflake.post("SELECT 1", headers=wrong).status_code == 401


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("OAUTH", 401, "390303"),
        ("PROGRAMMATIC_ACCESS_TOKEN", 401, "394400"),
        ("SESSION", 400, "390142"),
    ],
)
def test_a_jwt_declared_as_something_else(
    snowflake: SnowflakeClient, kind: str, status: int, code: str
) -> None:
    headers = snowflake.headers(**{"X-Snowflake-Authorization-Token-Type": kind})
    answer = snowflake.post("SELECT 1", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


Claims = dict[str, "Callable[[], Any]"]


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": lambda: "OTHER.LOADER.SHA256:x"}, 394307),
        ({"iss": lambda: f"{config.ACCOUNT}.NOBODY.SHA256:x"}, 394300),
        ({"iss": lambda: f"{IDENTITY.lower()}.SHA256:x"}, 394307),
        ({"sub": lambda: f"{config.ACCOUNT}.NOBODY"}, 394300),
        ({"iss": lambda: f"{IDENTITY}.SHA256:x"}, 394304),
        ({"exp": lambda: now() - 1}, 394303),
        ({"iat": lambda: now() - 3700, "exp": lambda: now() + 600}, 394303),
        ({"iat": lambda: now() + 600, "exp": lambda: now() + 900}, 394302),
    ],
)
def test_a_refused_jwt_names_a_uuid_that_leads_to_the_reason(
    snowflake: SnowflakeClient, claims: Claims, reason: int
) -> None:
    token = snowflake.token(**{name: make() for name, make in claims.items()})
    headers = snowflake.headers(**bearer(token))
    answer = snowflake.post("SELECT 1", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "390144")
    found = re.search(r"\[([0-9a-f-]{36})\]", answer.json()["message"])
    assert found
    details = snowflake.value(f"SYSTEM$GET_LOGIN_FAILURE_DETAILS('{found[1]}')")
    assert details
    assert json.loads(details)["errorCode"] == reason


def test_a_fingerprint_is_of_the_key_as_it_was_given(
    snowflake_admin: SnowflakeAdmin, snowflake_key: RSAPrivateKey
) -> None:
    """As openssl's: the DER of a key for RSA-PSS alone names another algorithm."""
    der = for_pss_alone(
        snowflake_key.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )
    )
    body = base64.encodebytes(der).decode()
    pem = f"-----BEGIN PUBLIC KEY-----\n{body}-----END PUBLIC KEY-----\n"
    snowflake_admin.register_key(pem)
    registered = snowflake_admin.keys()[-1]
    snowflake_admin.revoke_key(registered)
    digest = base64.b64encode(hashlib.sha256(der).digest()).decode()
    assert registered == f"SHA256:{digest}"


def test_a_forged_signature(
    snowflake: SnowflakeClient, other_key: RSAPrivateKey
) -> None:
    issuer = f"{IDENTITY}.{snowflake.fingerprint(snowflake.key)}"
    forged = snowflake.token(other_key, iss=issuer)
    answer = snowflake.post("SELECT 1", headers=snowflake.headers(**bearer(forged)))
    assert (answer.status_code, answer.json()["code"]) == (401, "390144")


def test_only_rs256_counts(snowflake: SnowflakeClient) -> None:
    claims = {
        "iss": f"{IDENTITY}.{snowflake.fingerprint(snowflake.key)}",
        "sub": IDENTITY,
        "iat": now(),
        "exp": now() + 60,
    }
    token = jwt.encode(claims, snowflake.key, "RS512")
    answer = snowflake.post("SELECT 1", headers=snowflake.headers(**bearer(token)))
    assert answer.status_code == 401


def test_two_keys_are_valid_at_a_time(
    snowflake: SnowflakeClient,
    snowflake_admin: SnowflakeAdmin,
    other_key: RSAPrivateKey,
) -> None:
    theirs = snowflake.headers(**bearer(snowflake.token(other_key)))
    assert snowflake.post("SELECT 1", headers=theirs).status_code == 401
    snowflake_admin.register_key(public_pem(other_key))
    try:
        assert snowflake.post("SELECT 1", headers=theirs).status_code == 200
        assert snowflake.post("SELECT 1").status_code == 200
        snowflake_admin.revoke_key(snowflake.fingerprint(snowflake.key))
        assert snowflake.post("SELECT 1").status_code == 401
    finally:
        snowflake_admin.register_key(public_pem(snowflake.key))
        snowflake_admin.revoke_key(snowflake.fingerprint(other_key))
    assert snowflake.post("SELECT 1", headers=theirs).status_code == 401
    assert snowflake.post("SELECT 1").status_code == 200


def test_polling_and_cancelling_need_a_token(snowflake: SnowflakeClient) -> None:
    handle = snowflake.run("SELECT 1")["statementHandle"]
    address = f"{snowflake.url}/api/v2/statements/{handle}"
    assert requests.get(address, timeout=60).status_code == 401
    assert requests.post(f"{address}/cancel", timeout=60).status_code == 401
