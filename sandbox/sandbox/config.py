"""Where the sandbox listens and who may sign in.

These are the figures that meltano.yml's environment "sandbox", the demo and the
tests share. None of them is a secret: the servers listen on loopback only.
"""

from __future__ import annotations

from pathlib import Path

HOST = "127.0.0.1"
ACUMATICA_PORT = 8801
SNOWFLAKE_PORT = 8802
ACUMATICA_URL = f"http://{HOST}:{ACUMATICA_PORT}"
SNOWFLAKE_URL = f"http://{HOST}:{SNOWFLAKE_PORT}"
DATA_DIR = Path(".sandbox")
"""Databases and keys of the sandbox, relative to the project's root."""

SEED = 42
"""The company of the demo: the same seed number makes the same records."""

TENANT = "Company"
USERNAME = "api.loader"
PASSWORD = "sandbox-password"  # noqa: S105 - opens the sandbox only
CLIENT_ID = "8B3C5D1E-7F2A-4C69-9D0B-5E6A1F2C3D4E@Company"
CLIENT_SECRET = "sandbox-client-secret"  # noqa: S105 - opens the sandbox only
REDIRECT_URI = "http://127.0.0.1:8765/callback"
"""Registered for the client, so that a person can sign in for it."""
BRANCH = "MAIN"
ENDPOINT_VERSION = "24.200.001"

ACCOUNT = "SANDBOX-LOCAL"
USER = "LOADER"
ROLE = "LOADER"
WAREHOUSE = "LOADING"
DATABASE = "FINANCE"
PROGRAMMATIC_ACCESS_TOKEN = "sandbox-programmatic-access-token"  # noqa: S105 - as above
OAUTH_TOKEN = "sandbox-oauth-token"  # noqa: S105 - as above
PRIVATE_KEY_FILE = "loader_key.p8"
"""The loader's unencrypted PKCS#8 PEM key; the server writes it into its data folder
when it starts for the first time and registers its public half for ``USER``."""


def tap_settings(url: str) -> dict[str, str]:
    """Return the settings with which tap-acumatica signs in to the sandbox.

    Args:
        url: The address of the Acumatica server.
    """
    return {
        "instance_url": url,
        "endpoint_version": ENDPOINT_VERSION,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "username": USERNAME,
        "password": PASSWORD,
    }


def variables(data_dir: Path, acumatica_url: str, snowflake_url: str) -> dict[str, str]:
    """Return the environment variables that lead Meltano to the servers.

    Args:
        data_dir: The folder of the sandbox.
        acumatica_url: The Acumatica server.
        snowflake_url: The Snowflake server.
    """
    return {
        "TAP_ACUMATICA_INSTANCE_URL": acumatica_url,
        "TARGET_SNOWFLAKE_MERGE_HOST": snowflake_url,
        "TARGET_SNOWFLAKE_MERGE_PRIVATE_KEY_PATH": str(
            data_dir.resolve() / PRIVATE_KEY_FILE
        ),
    }
