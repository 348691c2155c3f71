import base64
import hashlib
import itertools
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat
from requests import Request
from target_snowflake_merge.errors import TargetError
from target_snowflake_merge.sql_api.account import (
    base_url,
    destination,
    jwt_account,
    same_destination,
)
from target_snowflake_merge.sql_api.auth import (
    LIFETIME_SECONDS,
    RENEW_BEFORE_SECONDS,
    AccessToken,
    BearerToken,
    KeyPair,
    OAuthToken,
    load_private_key,
    read_key_file,
)

from tests.helpers.keys import for_pss_alone

KEY = rsa.generate_private_key(65537, 2048)
WEAK_KEY = rsa.generate_private_key(65537, 1024)  # noqa: S505 - weak on purpose


def written(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    phrase: str = "",
    encoding: Encoding = Encoding.PEM,
    form: PrivateFormat = PrivateFormat.PKCS8,
) -> bytes:
    encryption: serialization.KeySerializationEncryption = (
        serialization.BestAvailableEncryption(phrase.encode())
        if phrase
        else serialization.NoEncryption()
    )
    return key.private_bytes(encoding, form, encryption)


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


@pytest.mark.parametrize(
    ("token", "named"),
    [
        (AccessToken("secret"), "PROGRAMMATIC_ACCESS_TOKEN"),
        (OAuthToken("secret"), "OAUTH"),
    ],
)
def test_requests_carry_the_kind_of_token(token: BearerToken, named: str) -> None:
    request = Request("GET", "https://x", auth=token).prepare()

    assert request.headers["Authorization"] == "Bearer secret"
    assert request.headers["X-Snowflake-Authorization-Token-Type"] == named
    assert not token.renew()


def test_a_token_may_come_with_white_space_around_it() -> None:
    assert AccessToken("secret\n").token() == "secret"


@pytest.mark.parametrize("kind", [AccessToken, OAuthToken])
@pytest.mark.parametrize("token", ["hush hush", "hush\nhush", "hush\u20ac", " "])
def test_a_token_that_no_header_carries_is_not_shown(
    kind: type[BearerToken], token: str
) -> None:
    with pytest.raises(TargetError, match=kind.setting) as caught:
        kind(token)

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
        ("xy12345.us-east-1.privatelink", "XY12345", "xy12345.us-east-1.privatelink"),
        ("acct-hash123.global", "ACCT", "acct-hash123.global"),
        (" MYORG-ACCT ", "MYORG-ACCT", "myorg-acct"),
        ("myorg-acct.snowflakecomputing.com", "MYORG-ACCT", "myorg-acct"),
        (
            "https://XY12345.eu-central-1.snowflakecomputing.com/console/login",
            "XY12345",
            "xy12345.eu-central-1",
        ),
        ("https://app.snowflake.com/myorg/my_acct/#/data", "MYORG-MY_ACCT", None),
        (
            "https://app.snowflake.com/us-east-1/xy12345/worksheets",
            "XY12345",
            "xy12345.us-east-1",
        ),
        (
            "https://app.snowflake.com/europe-west4.gcp/xy12345",
            "XY12345",
            "xy12345.europe-west4.gcp",
        ),
        ("myorg-acct.snowflakecomputing.com:443", "MYORG-ACCT", None),
        ("https://myorg-acct.snowflakecomputing.com:443/", "MYORG-ACCT", None),
        ("https://myorg-acct.snowflakecomputing.com?a=1", "MYORG-ACCT", None),
    ],
)
def test_names_of_accounts(account: str, in_token: str, host: str | None) -> None:
    """snowflake-rs#61: region in the issuer; connector-python#1839: _ in the host."""
    host = host or in_token.lower().replace("_", "-")

    assert jwt_account(account) == in_token
    assert base_url(account, None) == f"https://{host}.snowflakecomputing.com"


@pytest.mark.parametrize(
    ("account", "in_token", "host"),
    [
        ("xy12345.cn-northwest-1.aws", "XY12345", "xy12345.cn-northwest-1.aws"),
        ("https://myorg-acct.snowflakecomputing.cn/", "MYORG-ACCT", "myorg-acct"),
    ],
)
def test_accounts_in_china(account: str, in_token: str, host: str) -> None:
    assert jwt_account(account) == in_token
    assert base_url(account, None) == f"https://{host}.snowflakecomputing.cn"


OLD = [
    "SANDBOX-LOCAL",
    "SANDBOX.LOCAL",
    "SANDBOX-LOCAL.PRIVATELINK",
    "HTTPS://SANDBOX-LOCAL.SNOWFLAKECOMPUTING.COM/",
    "HTTPS://APP.SNOWFLAKE.COM/SANDBOX/LOCAL/#/DATA",
]
"""An account, as older journals named it."""


@pytest.mark.parametrize("account", OLD)
def test_one_account_is_one_destination(account: str) -> None:
    """Another spelling hid what was in flight or had failed."""
    place = "SANDBOX-LOCAL/FINANCE/ERP"
    assert destination(account, "finance", "erp") == place
    assert destination(account.lower(), "finance", "erp") == place
    assert same_destination(f"{account}/FINANCE/ERP", place)


def test_an_underscore_is_a_hyphen_in_an_account_only() -> None:
    assert destination("my_org-A_B", "D_B", "S_1") == "MY-ORG-A-B/D_B/S_1"
    assert same_destination("MY_ORG-A_B/D_B/S_1", "MY-ORG-A-B/D_B/S_1")
    assert not same_destination("MY-ORG/D_B/S_1", "MY-ORG/D-B/S_1")
    assert not same_destination("XY1.US-EAST-1/D/S", "XY1.US-EAST-2/D/S")


def test_half_of_an_address_is_no_account() -> None:
    assert same_destination("HTTPS://[X/D/S", "HTTPS://[X/D/S")
    with pytest.raises(TargetError, match="is no account identifier"):
        base_url("https://[x", None)
    with pytest.raises(TargetError, match="is no account identifier"):
        base_url("https://[x/#/organisation", None)


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


@pytest.mark.parametrize(
    "account",
    ["https://a.b", "my account", "https://app.snowflake.com/", "a/b", "a..b"],
)
def test_an_account_that_is_none(account: str) -> None:
    with pytest.raises(TargetError, match="Setting account is no account identifier"):
        base_url(account, None)


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


PKCS1 = PrivateFormat.TraditionalOpenSSL
PEM, DER = written(KEY), written(KEY, encoding=Encoding.DER)
ENCRYPTED, ENCRYPTED_DER = written(KEY, "pw"), written(KEY, "pw", Encoding.DER)
PUBLIC = KEY.public_key().public_bytes(
    Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)
SSH = written(KEY, "", Encoding.PEM, PrivateFormat.OpenSSH)
PSS = for_pss_alone(DER)
PSS_PEM = (
    b"-----BEGIN PRIVATE KEY-----\n"
    + base64.encodebytes(PSS)
    + b"-----END PRIVATE KEY-----\n"
)
HMAC_SHA256, HMAC_MD5 = (bytes.fromhex(f"2a864886f70d020{n}") for n in (9, 6))
OLD_DER = ENCRYPTED_DER.replace(HMAC_SHA256, HMAC_MD5)
"""Encrypted as by openssl pkcs8 -topk8 -v2prf hmacWithMD5."""

OLD_PKCS1 = written(KEY, "pw", form=PKCS1).replace(b"AES-256-CBC", b"DES-CBC")
"""Encrypted as by openssl rsa -des."""


@pytest.mark.parametrize(
    ("key", "passphrase"),
    [
        (PEM, None),
        (PEM, ""),
        (PEM.replace(b"\n", b"\\n"), None),
        (PEM.replace(b"\n", b"\\r\\n"), None),
        (PEM.replace(b"\n", b"\r\n"), None),
        (b"\xef\xbb\xbf" + PEM, None),
        (PEM.replace(b"\n", b" "), None),
        (written(KEY, form=PKCS1), None),
        (DER, None),
        (written(KEY, encoding=Encoding.DER, form=PKCS1), None),
        (base64.b64encode(DER), None),
        (base64.encodebytes(DER), None),
        (ENCRYPTED, "pw"),
        (ENCRYPTED.replace(b"\n", b"\\n"), "pw"),
        (written(KEY, "pw", form=PKCS1), "pw"),
        (ENCRYPTED_DER, "pw"),
        (base64.b64encode(ENCRYPTED_DER), "pw"),
    ],
    ids=itertools.count(),  # the keys are new in each process
)
def test_keys_of_all_forms(key: bytes, passphrase: str | None) -> None:
    loaded = load_private_key(key, passphrase)

    assert loaded.private_numbers() == KEY.private_numbers()


@pytest.mark.parametrize(
    ("key", "passphrase", "reason"),
    [
        (b"nonsense", None, "neither in PEM form"),
        (b"\x30\x82\xff", None, "neither in PEM form"),
        (PEM[:-100], None, "neither in PEM form"),
        (PEM[:-100], "pw", "neither in PEM form"),
        (ENCRYPTED, None, "is encrypted, and private_key_passphrase is not set"),
        (ENCRYPTED_DER, None, "is encrypted, and private_key_passphrase is not set"),
        (ENCRYPTED, "wrong", "does not open with private_key_passphrase"),
        (ENCRYPTED, "\ud800", "does not open with private_key_passphrase"),
        (ENCRYPTED_DER, "wrong", "does not open with private_key_passphrase"),
        (written(KEY, "pw", form=PKCS1), "wrong", "does not open with private_key_pas"),
        (OLD_DER, "pw", "cannot be read here, whatever the passphrase .Unknown key en"),
        (OLD_DER, "wrong", "; rewrite it with openssl pkcs8 -topk8 -v2 aes256 -in OLD"),
        (OLD_DER, None, "is encrypted, and private_key_passphrase is not set"),
        (OLD_PKCS1, "pw", "whatever the passphrase .Key encrypted with unknown ciph"),
        (PSS, None, "is for RSA-PSS alone"),
        (PSS_PEM, None, "is for RSA-PSS alone"),
        (PSS_PEM.replace(b"\n", b" "), None, "is for RSA-PSS alone"),
        (b"Bag Attributes: <No Attributes>\n" + PSS_PEM, None, "is for RSA-PSS alone"),
        (PEM, "pw", "the private key is not encrypted"),
        (DER, "pw", "the private key is not encrypted"),
        (PUBLIC, None, "is a public key"),
        (SSH, None, "in OpenSSH's form"),
        (
            written(ec.generate_private_key(ec.SECP256R1())),
            None,
            "no RSA key of at lea",
        ),
        (written(WEAK_KEY), None, "no RSA key of at least"),
    ],
    ids=itertools.count(),  # as above
)
def test_unusable_keys(key: bytes, passphrase: str | None, reason: str) -> None:
    with pytest.raises(TargetError, match=reason) as caught:
        load_private_key(key, passphrase)

    assert (passphrase or "-----") not in str(caught.value).split()


def test_key_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "key.der").write_bytes(DER)

    assert read_key_file(Path("~/key.der")) == DER
    with pytest.raises(TargetError, match=r"private_key_path.*cannot be read"):
        read_key_file(tmp_path / "missing.p8")
    with pytest.raises(TargetError, match=r"private_key_path.*cannot be read"):
        read_key_file(Path("~nobody-of-this-name/key.p8"))
