"""The gateway prefix."""

from __future__ import annotations

from fuzz_targets import fuzz_target
from openami.protocols.dlms.gateway import decode_prefixed, encode_prefixed

SEEDS = [
    bytes.fromhex("e601020017c001c1"),
    bytes.fromhex("e70000c401"),
    bytes.fromhex("e6ff0f8182838485868788898a8b8c8d8e8f"),
]


@fuzz_target("dlms-gateway", SEEDS, inputs=50_000)
def prefix(data: bytes) -> None:
    """Decoded, and made again."""
    encode_prefixed(decode_prefixed(data))
