"""The authentication and fragmentation layer (AFL, CI 90): message counter, MAC and pieces of long messages.

Fields stand in the order FCL, MCL, KI, MCR, MAC, ML; the fragment control says which are there. From public
implementations and the OMS message examples; the standard's text was not at hand. Joining several fragments has
no public vector: both ends are ours.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from openami.model.errors import DecodeError, LimitExceeded, LocalProtocolError
from openami.protocols.wire.cursor import Cursor

CI_AFL = 0x90
_MORE, _MCL, _ML, _MCR, _MAC, _KI = 1 << 14, 1 << 13, 1 << 12, 1 << 11, 1 << 10, 1 << 9
MAC_SIZES = {0: 0, 3: 2, 4: 4, 5: 8, 6: 12, 7: 16, 8: 12}
"""Authentication type → bytes of MAC; 8 is GMAC, the others are AES-CMAC cut short."""
AUTHENTICATION_GMAC = 8
MESSAGE_MAX = 16 * 1024
MESSAGES_OPEN_MAX = 256


@dataclass(frozen=True, slots=True)
class Fragment:
    """One AFL header: fields that are absent are None or empty."""

    number: int
    more: bool = False
    message_control: int | None = None
    key_information: int | None = None
    message_counter: int | None = None
    mac: bytes = b""
    message_length: int | None = None

    @property
    def authentication(self) -> int:
        """The authentication type: which MAC."""
        return (self.message_control or 0) & 0x0F


def _u16(cursor: Cursor) -> int:
    return int.from_bytes(cursor.take(2), "little")


def decode_fragment(data: bytes, at: int, authentication: int | None = None) -> tuple[Fragment, int]:
    """Read the layer whose CI field stands at `data[at]`; give it and where its payload begins.

    A later fragment may carry a MAC without saying of which type: then all that is left of the header is MAC.
    """
    cursor = Cursor(data)
    cursor.position = at + 1
    length = cursor.u8()
    end = cursor.position + length
    if end > len(data):
        raise DecodeError(f"AFL of {length} bytes, {len(data) - cursor.position} left", at + 1, ("AFL", "AFLL"))
    cursor.end = end
    fragment = cursor.field("AFL", lambda inside: _fields(inside, authentication))
    return fragment, end


def _fields(cursor: Cursor, authentication: int | None) -> Fragment:
    control = _u16(cursor)
    message_control = cursor.u8() if control & _MCL else None
    if message_control is not None:
        authentication = message_control & 0x0F
    key_information = _u16(cursor) if control & _KI else None
    counter = int.from_bytes(cursor.take(4), "little") if control & _MCR else None
    mac = b""
    if control & _MAC:
        behind = 2 if control & _ML else 0
        size = cursor.remaining - behind if authentication is None else MAC_SIZES.get(authentication)
        if size is None:
            raise cursor.error(f"authentication type {authentication} is not known")
        mac = cursor.take(size)
    message_length = _u16(cursor) if control & _ML else None
    cursor.finish()
    more = bool(control & _MORE)
    return Fragment(control & 0xFF, more, message_control, key_information, counter, mac, message_length)


def encode_fragment(fragment: Fragment) -> bytes:
    """The layer's bytes, CI field first."""
    control = fragment.number
    body = bytearray()
    if fragment.more:
        control |= _MORE
    if fragment.message_control is not None:
        control |= _MCL
        body.append(fragment.message_control)
    if fragment.key_information is not None:
        control |= _KI
        body += fragment.key_information.to_bytes(2, "little")
    if fragment.message_counter is not None:
        control |= _MCR
        body += fragment.message_counter.to_bytes(4, "little")
    if fragment.mac:
        control |= _MAC
        body += fragment.mac
    if fragment.message_length is not None:
        control |= _ML
        body += fragment.message_length.to_bytes(2, "little")
    if not 0 <= fragment.number <= 255:
        raise LocalProtocolError(f"fragment number {fragment.number} is not a byte")
    return bytes((CI_AFL, len(body) + 2)) + control.to_bytes(2, "little") + bytes(body)


@dataclass(frozen=True, slots=True)
class Message:
    """A whole message: its joined header fields and its payload (which begins with the transport layer's CI field)."""

    header: Fragment
    payload: bytes


class Reassembly:
    """Joins the fragments of each sender, in order; bounded in senders and bytes, the oldest sender is dropped first.

    `add` gives the message when it is whole and None while more is to come. A fragment that is out of order drops
    what was there and raises `DecodeError`.
    """

    def __init__(self, *, messages_max: int = MESSAGES_OPEN_MAX) -> None:
        self._open: OrderedDict[bytes, tuple[Fragment, bytes]] = OrderedDict()
        self._messages_max = messages_max

    def __len__(self) -> int:
        return len(self._open)

    def authentication(self, sender: bytes) -> int | None:
        """The authentication type that the sender's first fragment announced, if one is open."""
        known = self._open.get(sender)
        return known[0].authentication if known is not None else None

    def add(self, sender: bytes, fragment: Fragment, payload: bytes) -> Message | None:
        """Take the next fragment of `sender` (its address)."""
        known = self._open.pop(sender, None)
        if fragment.number <= 1 and fragment.message_control is not None:
            known = None
        elif known is None and (fragment.number > 1 or fragment.more):
            raise DecodeError(f"fragment {fragment.number} came without the ones before it", 0, ("AFL", "FID"))
        joined = fragment
        if known is not None:
            joined = _joined(known[0], fragment)
            payload = known[1] + payload
        if len(payload) > MESSAGE_MAX:
            raise LimitExceeded(f"message of {len(payload)} bytes in fragments, limit {MESSAGE_MAX}", 0, ("AFL",))
        if not fragment.more:
            return Message(joined, _whole(joined, payload))
        self._open[sender] = (joined, payload)
        if len(self._open) > self._messages_max:
            self._open.popitem(last=False)
        return None


def _whole(header: Fragment, payload: bytes) -> bytes:
    if header.message_length is not None and header.message_length != len(payload):
        reason = f"message of {header.message_length} bytes announced, {len(payload)} came"
        raise DecodeError(reason, 0, ("AFL", "ML"))
    return payload


def _joined(first: Fragment, later: Fragment) -> Fragment:
    if later.number != first.number + 1:
        reason = f"fragment {later.number} came, {first.number + 1} is next"
        raise DecodeError(reason, 0, ("AFL", "FID"))
    return Fragment(
        later.number,
        later.more,
        first.message_control if later.message_control is None else later.message_control,
        first.key_information if later.key_information is None else later.key_information,
        first.message_counter if later.message_counter is None else later.message_counter,
        later.mac or first.mac,
        first.message_length if later.message_length is None else later.message_length,
    )
