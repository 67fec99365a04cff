"""The wake-up: one signed, short-lived datagram that makes a collector or a meter call in, and does nothing else.

    magic          4 bytes, `OAW1`
    not before     8 bytes, UTC seconds
    lifetime       2 bytes, seconds, at most `LIFETIME_MAX_S`
    counter        8 bytes, larger than that of any wake-up before for this recipient
    name           1 byte of length, then the recipient's name (UTF-8)
    signature      64 bytes, Ed25519 over all that stands before

Checks go from cheap to dear, and nothing changes before the signature holds: a forged datagram costs the recipient one
verification at most and moves no counter.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from openami.model.errors import DecodeError, SecurityError, SettingError

MAGIC = b"OAW1"
LIFETIME_MAX_S = 600
CLOCK_TOLERANCE_S = 60
_HEAD = struct.Struct(">4sQHQB")
_SIGNATURE_BYTES = 64
_NAME_BYTES_MAX = 64
DATAGRAM_BYTES_MAX = _HEAD.size + _NAME_BYTES_MAX + _SIGNATURE_BYTES


@dataclass(frozen=True, slots=True)
class WakeUp:
    """Who shall call in, and from when to when (UTC seconds)."""

    name: str
    not_before: int
    lifetime_s: int
    counter: int


def encode_wake_up(wake_up: WakeUp, key: Ed25519PrivateKey) -> bytes:
    """The datagram; raises `SettingError` for what the format cannot carry."""
    name = wake_up.name.encode()
    if not 0 < len(name) <= _NAME_BYTES_MAX or not 0 < wake_up.lifetime_s <= LIFETIME_MAX_S:
        raise SettingError(f"a wake-up for {wake_up.name!r} of {wake_up.lifetime_s} s cannot be")
    head = _HEAD.pack(MAGIC, wake_up.not_before, wake_up.lifetime_s, wake_up.counter, len(name)) + name
    return head + key.sign(head)


def decode_wake_up(raw: bytes) -> WakeUp:
    """What a datagram says, not yet verified; raises `DecodeError`."""
    if not _HEAD.size + _SIGNATURE_BYTES < len(raw) <= DATAGRAM_BYTES_MAX or not raw.startswith(MAGIC):
        raise DecodeError(f"{len(raw)} bytes are no wake-up", 0, ("WakeUp",))
    _, not_before, lifetime_s, counter, length = _HEAD.unpack_from(raw)
    if len(raw) != _HEAD.size + length + _SIGNATURE_BYTES or not 0 < lifetime_s <= LIFETIME_MAX_S:
        raise DecodeError("length or lifetime is out of bounds", 4, ("WakeUp",))
    try:
        name = raw[_HEAD.size : _HEAD.size + length].decode()
    except UnicodeDecodeError as error:
        raise DecodeError("the name is no UTF-8", _HEAD.size, ("WakeUp", "name")) from error
    return WakeUp(name, not_before, lifetime_s, counter)


class WakeUpGuard:
    """Judges datagrams for one recipient. `last` is the counter of the last wake-up that was accepted.

    `accept` moves nothing: keep the counter of what it returns durably, tell it by `accepted`, and only then act.
    """

    def __init__(self, name: str, signer: Ed25519PublicKey, last: int) -> None:
        self._name = name
        self._signer = signer
        self._last = last

    def accept(self, raw: bytes, now: float) -> WakeUp:
        """The wake-up in `raw` if it is for us, valid at `now` (UTC seconds), new, and signed.

        Raises `DecodeError` or `SecurityError`.
        """
        wake_up = decode_wake_up(raw)
        if wake_up.name != self._name:
            raise SecurityError(f"a wake-up for {wake_up.name!r}, not for {self._name!r}")
        age = now - wake_up.not_before
        if not -CLOCK_TOLERANCE_S <= age <= wake_up.lifetime_s + CLOCK_TOLERANCE_S:
            raise SecurityError(f"a wake-up of {age:.0f} s ago with a lifetime of {wake_up.lifetime_s} s")
        if wake_up.counter <= self._last:
            raise SecurityError(f"wake-up {wake_up.counter} came before; {self._last} was the last")
        try:
            self._signer.verify(raw[-_SIGNATURE_BYTES:], raw[:-_SIGNATURE_BYTES])
        except InvalidSignature:
            raise SecurityError("a wake-up that its sender did not sign") from None
        return wake_up

    def accepted(self, counter: int) -> None:
        """The counter is on the disk."""
        self._last = max(self._last, counter)
