from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import requests
from sandbox.acumatica.admin_client import AcumaticaAdmin

from sandbox import config, processes

if TYPE_CHECKING:
    from collections.abc import Iterator

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

    def grant(self, **changes: str | None) -> requests.Response:
        form = {**PASSWORD_GRANT, **changes}
        return requests.post(
            f"{self.url}/identity/connect/token", data=form, timeout=60
        )

    def sign_in(self, **changes: str | None) -> dict[str, Any]:
        answer: dict[str, Any] = self.grant(**changes).json()
        self.token = answer["access_token"]
        return answer

    def send(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
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
        base = f"/entity/Default/{config.ENDPOINT_VERSION}"
        return self.send("GET", f"{base}/{path}", params=query)

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
