"""TLS inside telegrams (security mode 13): records behind a transport header, in as many frames as they need.

Records of the handshake and of data are carried alike. Only the first of several frames names the meter in its
transport header, so that each to a meter names it in an extended link layer too. (From a public digest of OMS volume 2,
which sends the handshake by a service of its own whose layout was not at hand: both ends are ours.)
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from openami.model.errors import LocalProtocolError
from openami.protocols.mbus.wireless.extended_link import ExtendedLink, encode_extended_link
from openami.protocols.mbus.wireless.fragment import MESSAGE_MAX, Fragment, encode_fragment
from openami.protocols.mbus.wireless.opening import MODE_TLS
from openami.protocols.mbus.wireless.receiver import Telegram
from openami.protocols.mbus.wireless.sealing import Heading

PIECE_MAX = 200
"""Octets of a message in one frame."""
LENGTH_THERE = 0x40
"""Message control of the first fragment: the message's length stands in it; there is no MAC but TLS's own."""
ELL_III = 0x8E
PROTOCOL_TYPE = b"\x00"
"""The extension of mode 13's configuration word."""


class SecureSession(Protocol):
    """TLS as its users see it: octets in, octets out. See `openami.io.links.tls_session`."""

    @property
    def established(self) -> bool:
        """Whether both sides have proved who they are."""
        ...

    def receive(self, records: bytes) -> bytes:
        """Take records; give what they say. Raises `SecurityError` when the session is over."""
        ...

    def send(self, plain: bytes) -> None:
        """Say something; raises `LocalProtocolError` before the session is established."""
        ...

    def data_to_send(self) -> bytes:
        """The records to carry now."""
        ...


def tls_frames(heading: Heading, records: bytes) -> list[bytes]:
    """The frames that carry `records`, without checksums: one, or fragments in order."""
    message = heading.transport(MODE_TLS << 8, PROTOCOL_TYPE) + records
    if len(message) > MESSAGE_MAX:
        raise LocalProtocolError(f"{len(records)} octets of TLS do not fit into a message of {MESSAGE_MAX}")
    if len(message) <= PIECE_MAX:
        return [heading.frame(message)]
    pieces = [message[at : at + PIECE_MAX] for at in range(0, len(message), PIECE_MAX)]
    frames = []
    way = (
        b""
        if heading.gateway is None
        else encode_extended_link(ExtendedLink(ELL_III, 0, heading.access_number, heading.meter))
    )
    for number, piece in enumerate(pieces, start=1):
        layer = Fragment(number, number < len(pieces))
        if number == 1:
            layer = replace(layer, message_control=LENGTH_THERE, message_length=len(message))
        frames.append(heading.frame(way + encode_fragment(layer) + piece))
    return frames


def records_in(telegram: Telegram) -> bytes | None:
    """The TLS records of a whole telegram; None if it carries none."""
    transport, opened = telegram.transport, telegram.opened
    if transport is None or opened is None or transport.mode != MODE_TLS:
        return None
    return opened.content
