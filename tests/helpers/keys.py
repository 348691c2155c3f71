"""Keys that no library writes."""

from __future__ import annotations

RSA = bytes.fromhex("300d06092a864886f70d0101010500")
PSS = bytes.fromhex("300b06092a864886f70d01010a")
"""How a key names its algorithm: OIDs 1.2.840.113549.1.1.1 and 1.2.840.113549.1.1.10.
"""


def for_pss_alone(der: bytes) -> bytes:
    """Return an RSA key, private or public, as one for RSA-PSS alone."""
    body = der[4:].replace(RSA, PSS, 1)
    return der[:2] + len(body).to_bytes(2, "big") + body
