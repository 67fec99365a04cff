"""What a SecuritySetup has to remember over a power failure, and where it is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from openami.field.meter.security_role import SecurityRole
from openami.protocols.dlms.asymmetric import PrivateKey
from openami.protocols.dlms.cosem.security_setup import CertificateType
from openami.protocols.dlms.security import SecurityKeys


class Records(Protocol):
    """Where records live. What is kept are keys: the place must be one that only the meter can read."""

    def load(self, name: str) -> bytes | None:
        """The record `name`, `None` if there is none."""
        ...

    def save(self, name: str, octets: bytes) -> None:
        """Keep a record in the place of an older one; it is durable when this returns."""
        ...


class MemoryRecords:
    """Records that live as long as the process: for meters in memory and for tests."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}

    def load(self, name: str) -> bytes | None:
        """The record `name`, `None` if there is none."""
        return self.values.get(name)

    def save(self, name: str, octets: bytes) -> None:
        """Keep a record in memory."""
        self.values[name] = octets


@dataclass(frozen=True, slots=True)
class SecurityRecord:
    """`former` are the keys before the last change, good until a client has used `keys`.

    Private keys by what they are for (`CertificateType`), as big-endian numbers; `pending` are those that wait for
    their certificate. Certificates are DER.
    """

    keys: SecurityKeys
    policy: int
    former: SecurityKeys | None = None
    private_keys: dict[int, bytes] = field(default_factory=dict, repr=False)
    pending: dict[int, bytes] = field(default_factory=dict, repr=False)
    certificates: tuple[bytes, ...] = field(default=(), repr=False)


def factory_record(role: SecurityRole) -> SecurityRecord:
    """What a role's SecuritySetup holds when the meter leaves the factory."""
    private: dict[CertificateType, PrivateKey | None] = {}
    if role.asymmetric is not None:
        private[CertificateType.DIGITAL_SIGNATURE] = role.asymmetric.signing
        private[CertificateType.KEY_AGREEMENT] = role.asymmetric.agreement
    held = {int(kind): scalar_of(key) for kind, key in private.items() if key is not None}
    return SecurityRecord(role.keys, role.first_policy, private_keys=held, certificates=role.authorities)


def encode_record(record: SecurityRecord) -> bytes:
    """The octets to keep."""
    return msgspec.msgpack.encode(record)


def decode_record(octets: bytes) -> SecurityRecord:
    """The record in octets that `encode_record` made."""
    return msgspec.msgpack.decode(octets, type=SecurityRecord)


def scalar_of(key: PrivateKey) -> bytes:
    """A private key as its number."""
    return key.private_numbers().private_value.to_bytes((key.curve.key_size + 7) // 8, "big")
