"""APDUs out of segments and segments out of APDUs, behind the three bytes of the LLC header."""

from __future__ import annotations

from openami.model.errors import DecodeError, LimitExceeded

LLC_COMMAND = bytes.fromhex("e6e600")
"""LLC header of what a client sends."""
LLC_RESPONSE = bytes.fromhex("e6e700")
"""LLC header of what a server sends."""
APDU_MAX = 0xFFFF


def segments(apdu: bytes, llc: bytes, size: int) -> list[tuple[bytes, bool]]:
    """Information fields of at most `size` bytes that carry `apdu`, each with its segmentation bit."""
    whole = llc + apdu
    last = len(whole) - 1
    return [(whole[at : at + size], at + size <= last) for at in range(0, len(whole), size)]


class Assembly:
    """Gathers the segments of one APDU after another; holds at most `limit` bytes."""

    __slots__ = ("_held", "_limit")

    def __init__(self, limit: int = APDU_MAX) -> None:
        self._held = bytearray()
        self._limit = limit + len(LLC_COMMAND)

    @property
    def open(self) -> bool:
        """Whether more segments must follow."""
        return bool(self._held)

    def drop(self) -> bytes:
        """Give up what was gathered, and give it."""
        held = bytes(self._held)
        self._held.clear()
        return held

    def add(self, information: bytes, *, segmented: bool) -> bytes | None:
        """The APDU that `information` completes, or None while more must follow.

        Raises `LimitExceeded` or, if there is no LLC header, `DecodeError`; what was gathered stays for `drop`.
        """
        self._held += information
        if len(self._held) > self._limit:
            raise LimitExceeded(f"an APDU of more than {self._limit - 3} bytes", self._limit, ("Llc",))
        if segmented:
            return None
        if bytes(self._held[:3]) not in {LLC_COMMAND, LLC_RESPONSE}:
            raise DecodeError(f"LLC header {self._held[:3].hex()}, expected e6e600 or e6e700", 0, ("Llc",))
        return self.drop()[3:]
