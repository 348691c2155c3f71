import base64
import hashlib
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from requests import Request
from target_snowflake_merge.account import base_url, jwt_account
from target_snowflake_merge.auth import (
    LIFETIME_SECONDS,
    RENEW_BEFORE_SECONDS,
    AccessToken,
    KeyPair,
    load_private_key,
    read_key_file,
)
from target_snowflake_merge.errors import TargetError

KEY = rsa.generate_private_key(65537, 2048)
WEAK_KEY = rsa.generate_private_key(65537, 1024)  # noqa: S505 - weak on purpose


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, phrase: str = "") -> str:
    encryption: serialization.KeySerializationEncryption = (
        serialization.BestAvailableEncryption(phrase.encode())
        if phrase
        else serialization.NoEncryption()
    )
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    ).decode()


class Clock:
    now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


def claims(token: str) -> dict[str, object]:
    decoded: dict[str, object] = jwt.decode(
        token,
        KEY.public_key(),
        algorithms=["RS256"],
        options={"verify_exp": False, "verify_iat": False},
    )
    return decoded


def test_the_token_says_who_signs_in() -> None:
    der = KEY.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    digest = base64.b64encode(hashlib.sha256(der).digest()).decode()

    signed = claims(KeyPair("myorg-acct", "loader", KEY, Clock()).token())

    assert signed == {
        "iss": f"MYORG-ACCT.LOADER.SHA256:{digest}",
        "sub": "MYORG-ACCT.LOADER",
        "iat": 1_700_000_000,
        "exp": 1_700_000_000 + 59 * 60,
    }


def test_a_token_is_renewed_before_it_ends_and_on_demand() -> None:
    clock = Clock()
    key_pair = KeyPair("a", "u", KEY, clock)
    first = key_pair.token()

    clock.now += LIFETIME_SECONDS - RENEW_BEFORE_SECONDS - 1
    assert key_pair.token() == first
    clock.now += 1
    second = key_pair.token()
    assert second != first
    clock.now += 1
    assert key_pair.renew()
    assert key_pair.token() not in {first, second}


def test_requests_carry_the_kind_of_token() -> None:
    request = Request("GET", "https://x", auth=AccessToken("secret")).prepare()

    assert request.headers["Authorization"] == "Bearer secret"
    kind = request.headers["X-Snowflake-Authorization-Token-Type"]
    assert kind == "PROGRAMMATIC_ACCESS_TOKEN"
    assert not AccessToken("secret").renew()


def test_a_token_may_come_with_white_space_around_it() -> None:
    assert AccessToken("secret\n").token() == "secret"


@pytest.mark.parametrize("token", ["hush hush", "hush\nhush", "hush\u20ac", " "])
def test_a_token_that_no_header_carries_is_not_shown(token: str) -> None:
    with pytest.raises(TargetError, match="programmatic_access_token") as caught:
        AccessToken(token)

    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("account", "in_token", "host"),
    [
        ("xy12345", "XY12345", "xy12345"),
        ("xy12345.us-east-1", "XY12345", "xy12345.us-east-1"),
        ("xy12345.us-east-1.aws", "XY12345", "xy12345.us-east-1.aws"),
        ("xy12345.central-us.azure", "XY12345", "xy12345.central-us.azure"),
        ("myorg-acct", "MYORG-ACCT", "myorg-acct"),
        ("MyOrg-My_Acct", "MYORG-MY_ACCT", "myorg-my-acct"),
        ("myorg.acct", "MYORG-ACCT", "myorg-acct"),
        ("myorg-acct.privatelink", "MYORG-ACCT", "myorg-acct.privatelink"),
        ("acct-hash123.global", "ACCT", "acct-hash123.global"),
    ],
)
def test_names_of_accounts(account: str, in_token: str, host: str) -> None:
    assert jwt_account(account) == in_token
    assert base_url(account, None) == f"https://{host}.snowflakecomputing.com"


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("acct.snowflakecomputing.cn", "https://acct.snowflakecomputing.cn"),
        (
            "https://acct.privatelink.example:8443/",
            "https://acct.privatelink.example:8443",
        ),
        ("http://127.0.0.1:8802", "http://127.0.0.1:8802"),
        ("http://localhost:8802", "http://localhost:8802"),
    ],
)
def test_explicit_hosts(host: str, url: str) -> None:
    assert base_url("a", host) == url


def test_an_account_that_is_none() -> None:
    with pytest.raises(TargetError, match=r"Setting account: https://a\.b is no"):
        base_url("https://a.b", None)


@pytest.mark.parametrize(
    "host",
    [
        "http://example.com",
        "ftp://x",
        "https://",
        "x:port",
        "two words",
        "http://[::1",
        "https://user:hush@x",
    ],
)
def test_hosts_that_are_refused(host: str) -> None:
    with pytest.raises(TargetError, match="Setting host"):
        base_url("a", host)


def test_keys_come_as_text_with_or_without_passphrase() -> None:
    numbers = KEY.private_numbers()
    one_line = pem(KEY).replace("\n", "\\n")

    assert load_private_key(pem(KEY), None).private_numbers() == numbers
    assert load_private_key(one_line, None).private_numbers() == numbers
    assert load_private_key(pem(KEY, "pw"), "pw").private_numbers() == numbers


@pytest.mark.parametrize(
    ("text", "passphrase", "reason"),
    [
        ("nonsense", None, "not in PEM form"),
        (pem(KEY, "pw"), None, "is encrypted, and private_key_passphrase is not set"),
        (pem(KEY, "pw"), "wrong", "does not open with private_key_passphrase"),
        (pem(KEY), "pw", "the private key is not encrypted"),
        (pem(ec.generate_private_key(ec.SECP256R1())), None, "no RSA key of at least"),
        (pem(WEAK_KEY), None, "no RSA key of at least"),
    ],
)
def test_unusable_keys(text: str, passphrase: str | None, reason: str) -> None:
    with pytest.raises(TargetError, match=reason) as caught:
        load_private_key(text, passphrase)

    assert (passphrase or "-----") not in str(caught.value).split()


def test_unreadable_key_files(tmp_path: Path) -> None:
    binary = tmp_path / "key.der"
    binary.write_bytes(b"\x30\x82\xff")

    with pytest.raises(TargetError, match=r"private_key_path.*cannot be read"):
        read_key_file(tmp_path / "missing.p8")
    with pytest.raises(TargetError, match="no PEM file"):
        read_key_file(binary)
