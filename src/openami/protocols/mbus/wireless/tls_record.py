"""What a payload in security mode 13 shows from outside: TLS records (RFC 8446, section 5.1). Nothing is opened."""

from __future__ import annotations

from typing import NamedTuple

from openami.model.errors import DecodeError

HEADER_SIZE = 5
CONTENT_TYPES = {20: "change cipher spec", 21: "alert", 22: "handshake", 23: "application data"}
VERSIONS = {0x0301: "1.0", 0x0302: "1.1", 0x0303: "1.2 or 1.3"}
LENGTH_MAX = (1 << 14) + 2048


class TlsRecord(NamedTuple):
    """One record; `missing` octets of it are in later telegrams."""

    content: str
    version: str
    length: int
    missing: int

    def __str__(self) -> str:
        cut = f", {self.missing} of them to come" if self.missing else ""
        return f"{self.content} of TLS {self.version}, {self.length} octets{cut}"


def decode_tls_records(payload: bytes) -> tuple[TlsRecord, ...]:
    """The records in `payload`, the last of which may be cut; raises `DecodeError` for what is no TLS."""
    found: list[TlsRecord] = []
    at = 0
    while at < len(payload):
        header = payload[at : at + HEADER_SIZE]
        version = int.from_bytes(header[1:3], "big")
        length = int.from_bytes(header[3:5], "big")
        known = len(header) == HEADER_SIZE and header[0] in CONTENT_TYPES and version in VERSIONS
        if not known or length > LENGTH_MAX:
            raise DecodeError(f"no TLS record begins with {header.hex()}", at, ("TLS",))
        at += HEADER_SIZE + length
        found.append(TlsRecord(CONTENT_TYPES[header[0]], VERSIONS[version], length, max(0, at - len(payload))))
    return tuple(found)
