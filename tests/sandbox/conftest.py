from __future__ import annotations

import base64
import hashlib
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from sandbox.acumatica.control.admin_client import AcumaticaAdmin
from sandbox.snowflake.control.admin_client import SnowflakeAdmin

from sandbox import config, processes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PASSWORD_GRANT = {
    "grant_type": "password",
    "client_id": config.CLIENT_ID,
    "client_secret": config.CLIENT_SECRET,
    "username": config.USERNAME,
    "password": config.PASSWORD,
    "scope": "api offline_access",
}


@dataclass
class AcumaticaClient:
    """A small client that sends what it is told to, and nothing else."""

    url: str
    token: str = ""
    endpoint: str = f"Default/{config.ENDPOINT_VERSION}"

    def grant(self, **changes: str | None) -> requests.Response:
        form = {**PASSWORD_GRANT, **changes}
        return requests.post(
            f"{self.url}/identity/connect/token", data=form, timeout=60
        )

    def sign_in(self, **changes: str | None) -> dict[str, Any]:
        answer: dict[str, Any] = self.grant(**changes).json()
        self.token = answer["access_token"]
        return answer

    def send(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        **options: Any,
    ) -> requests.Response:
        headers = dict(headers or {})
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        return requests.request(
            method,
            f"{self.url}{path}",
            headers=headers,
            allow_redirects=False,
            timeout=60,
            **options,
        )

    def get(self, path: str, **parameters: Any) -> requests.Response:
        """Read below the endpoint; parameters are named without their ``$``."""
        query = {f"${name}": value for name, value in parameters.items()}
        return self.send("GET", f"/entity/{self.endpoint}/{path}", params=query)

    def rows(self, entity: str, **parameters: Any) -> list[dict[str, Any]]:
        answer = self.get(entity, **parameters)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()
        return found

    def sign_out(self) -> requests.Response:
        return self.send("POST", "/entity/auth/logout")


@pytest.fixture(scope="session")
def acumatica_server(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[processes.Server]:
    server = processes.start(
        "acumatica", tmp_path_factory.mktemp("acumatica"), "--port", "0"
    )
    yield server
    server.stop()


@pytest.fixture
def admin(acumatica_server: processes.Server) -> Iterator[AcumaticaAdmin]:
    admin = AcumaticaAdmin(acumatica_server.url)
    yield admin
    admin.clear_faults()
    admin.calm()
    admin.reset_settings()
    admin.close_sessions()
    admin.clear_requests()


@pytest.fixture
def stranger(
    acumatica_server: processes.Server,
    admin: AcumaticaAdmin,  # noqa: ARG001 - puts the server back afterwards
) -> AcumaticaClient:
    """A client that has not signed in."""
    return AcumaticaClient(acumatica_server.url)


@pytest.fixture
def acumatica(stranger: AcumaticaClient) -> AcumaticaClient:
    """A client that has signed in; its seat is freed after the test."""
    stranger.sign_in()
    return stranger


IDENTITY = f"{config.ACCOUNT}.{config.USER}"


@dataclass
class SnowflakeClient:
    """A client of the SQL API that sends what it is told to, and nothing else."""

    url: str
    key: RSAPrivateKey
    context: dict[str, Any] = field(
        default_factory=lambda: {
            "database": config.DATABASE,
            "schema": "PUBLIC",
            "warehouse": config.WAREHOUSE,
            "role": config.ROLE,
            "parameters": {"timezone": "UTC"},
        }
    )

    @staticmethod
    def fingerprint(key: RSAPrivateKey) -> str:
        der = key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return "SHA256:" + base64.b64encode(hashlib.sha256(der).digest()).decode()

    def token(self, key: RSAPrivateKey | None = None, **claims: Any) -> str:
        now = int(time.time())
        signer = key or self.key
        payload = {
            "iss": f"{IDENTITY}.{self.fingerprint(signer)}",
            "sub": IDENTITY,
            "iat": now,
            "exp": now + 3000,
            **claims,
        }
        return jwt.encode(payload, signer, "RS256")

    def headers(self, **changes: str | None) -> dict[str, str | None]:
        return {
            "Authorization": f"Bearer {self.token()}",
            "X-Snowflake-Authorization-Token-Type": "KEYPAIR_JWT",
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": "tests/1.0",
            **changes,
        }

    def post(
        self,
        statement: str,
        *binds: str | None,
        query: dict[str, str] | None = None,
        headers: dict[str, str | None] | None = None,
        **body: Any,
    ) -> requests.Response:
        bindings = {
            str(n): {"type": "TEXT", "value": value} for n, value in enumerate(binds, 1)
        }
        content = {"statement": statement, **self.context, **body}
        if bindings:
            content.setdefault("bindings", bindings)
        return requests.post(
            f"{self.url}/api/v2/statements",
            params={"requestId": str(uuid.uuid4()), **(query or {})},
            json=content,
            headers=headers or self.headers(),
            timeout=60,
        )

    def get(self, handle: str, **query: Any) -> requests.Response:
        return requests.get(
            f"{self.url}/api/v2/statements/{handle}",
            params=query,
            headers=self.headers(),
            timeout=60,
        )

    def cancel(self, handle: str) -> requests.Response:
        return requests.post(
            f"{self.url}/api/v2/statements/{handle}/cancel",
            headers=self.headers(),
            timeout=60,
        )

    def run(self, statement: str, *binds: str | None, **body: Any) -> dict[str, Any]:
        """Run a statement that must succeed; return the answer."""
        answer = self.post(statement, *binds, **body)
        assert answer.status_code == 200, answer.text
        content: dict[str, Any] = answer.json()
        return content

    def rows(self, statement: str, *binds: str | None, **body: Any) -> list[list[Any]]:
        """Run a statement that must succeed; return its first rows."""
        rows: list[list[Any]] = self.run(statement, *binds, **body)["data"]
        return rows

    def value(self, expression: str, *binds: str | None) -> str | None:
        """Return the value of one expression, as the API spells it."""
        [[value]] = self.rows(f"SELECT {expression}", *binds)
        return None if value is None else str(value)

    def error(self, statement: str, *binds: str | None, **body: Any) -> tuple[str, str]:
        """Run a statement that must fail; return its code and SQL state."""
        answer = self.post(statement, *binds, **body)
        assert answer.status_code == 422, answer.text
        return answer.json()["code"], answer.json()["sqlState"]


def load_key(data_dir: Path) -> RSAPrivateKey:
    pem = (data_dir / config.PRIVATE_KEY_FILE).read_bytes()
    key = serialization.load_pem_private_key(pem, None)
    assert isinstance(key, RSAPrivateKey)
    return key


@pytest.fixture(scope="session")
def snowflake_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("snowflake")


@pytest.fixture(scope="session")
def snowflake_server(snowflake_dir: Path) -> Iterator[processes.Server]:
    server = processes.start("snowflake", snowflake_dir, "--port", "0")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def snowflake_key(
    snowflake_server: processes.Server,  # noqa: ARG001 - makes the key
    snowflake_dir: Path,
) -> RSAPrivateKey:
    return load_key(snowflake_dir)


@pytest.fixture
def snowflake_admin(snowflake_server: processes.Server) -> Iterator[SnowflakeAdmin]:
    admin = SnowflakeAdmin(snowflake_server.url)
    yield admin
    admin.forget()
    admin.configure()


@pytest.fixture
def snowflake(
    snowflake_server: processes.Server,
    snowflake_key: RSAPrivateKey,
    snowflake_admin: SnowflakeAdmin,
) -> Iterator[SnowflakeClient]:
    """A client whose current schema is new and its own."""
    client = SnowflakeClient(snowflake_server.url, snowflake_key)
    schema = f"S_{uuid.uuid4().hex[:12].upper()}"
    client.run(f"CREATE SCHEMA {schema}")
    client.context["schema"] = schema
    yield client
    snowflake_admin.sql(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
