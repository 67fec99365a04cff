"""High level security 5 (GMAC): passes 3 and 4, in which each side proves that it has the keys.

Pass 1 and 2 exchange challenges in AARQ (client to server) and AARE (server to client). Pass 3 and 4 exchange
f(challenge) = security control, invocation counter (4), GMAC tag (12) over control, authentication key, challenge.
"""

from __future__ import annotations

from openami.model.errors import SecurityError
from openami.protocols.dlms.security import (
    HEADER_SIZE,
    TAG_SIZE,
    SecurityControl,
    SecurityKeys,
    gmac,
    read_header,
    verify_tag,
)

RESPONSE_SIZE = HEADER_SIZE + TAG_SIZE
CHALLENGE_SIZES = range(8, 65)


def response(keys: SecurityKeys, system_title: bytes, counter: int, challenge: bytes) -> bytes:
    """f(challenge) as the owner of `system_title` answers it, 17 bytes."""
    control = SecurityControl.AUTHENTICATION | keys.suite
    tag = gmac(keys, system_title, counter, control, challenge)
    return control.to_bytes(1, "big") + counter.to_bytes(4, "big") + tag


def verify(keys: SecurityKeys, system_title: bytes, challenge: bytes, answer: bytes) -> int:
    """Check the peer's `answer` to our `challenge`; its invocation counter, or `SecurityError`."""
    if len(answer) != RESPONSE_SIZE:
        raise SecurityError(f"HLS 5 answer has {len(answer)} bytes, not {RESPONSE_SIZE}")
    control, counter = read_header(answer)
    expected = SecurityControl.AUTHENTICATION | keys.suite
    if control != expected:
        raise SecurityError(f"HLS 5 answer has security control {control:02X}, not {int(expected):02X}")
    verify_tag(gmac(keys, system_title, counter, control, challenge), answer[HEADER_SIZE:])
    return counter


def check_challenge(challenge: bytes | None, ours: bytes) -> bytes:
    """The peer's challenge, if it is one: 8 to 64 bytes and not our own sent back (a reflection)."""
    if challenge is None or len(challenge) not in CHALLENGE_SIZES:
        raise SecurityError(f"HLS challenge of {0 if challenge is None else len(challenge)} bytes, must be 8 to 64")
    if challenge == ours:
        raise SecurityError("HLS challenge equals our own: somebody reflects our bytes")
    return challenge
