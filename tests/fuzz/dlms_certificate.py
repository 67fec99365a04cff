"""Certificates as somebody brings them: whatever comes is read or refused."""

from __future__ import annotations

from dlms_authority import Authority
from dlms_curves import key
from fuzz_targets import fuzz_target
from openami.protocols.dlms.certificate import read_certificate
from openami.protocols.dlms.security import SecuritySuite

AUTHORITY = Authority()
DEVICE = AUTHORITY.certify(key(1, SecuritySuite.SUITE_1).public_key(), b"OAM\x00\x00\x00\x00\x01")


@fuzz_target("dlms-certificate", [AUTHORITY.der, DEVICE], inputs=3_000)
def certificate(data: bytes) -> None:
    """All that a certificate says of itself."""
    read_certificate(data)
