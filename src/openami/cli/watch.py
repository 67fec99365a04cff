"""Watching what passes: bytes of a link, cut into messages and explained as they come."""

from __future__ import annotations

from typing import Final

from openami.cli.consumer_port import ConsumerPortStream, Cut, hdlc_cut
from openami.cli.explained import show_decoded
from openami.cli.output import console, print_json
from openami.model.errors import DecodeError
from openami.model.interval import utc
from openami.protocols.decode import Decoded, decode_message
from openami.protocols.dlms.framing import ApduReceived, Garbage, Role
from openami.protocols.dlms.hdlc.frame import FLAG
from openami.protocols.dlms.telegram import DlmsDecoder
from openami.protocols.dlms.wrapper import WrapperFraming, encode_wrapper
from openami.protocols.iec62056_21.telegram import iec62056_21_decoders
from openami.protocols.sml.telegram import sml_decoders

ANY_SAP: Final = 0


class Watcher:
    """Shows messages with their time and direction; one for all links, so that titles seen on one help on others."""

    def __init__(self, decoder: DlmsDecoder, *, as_json: bool) -> None:
        self._decoder = decoder
        self._local = (*sml_decoders(), *iec62056_21_decoders())
        self._as_json = as_json

    def show(self, data: bytes, at: float, who: str) -> None:
        """One whole message; undecodable ones are shown as they are."""
        try:
            decoded = decode_message(data, (*self._local, *self._decoder.decoders()))
        except DecodeError as error:
            decoded = Decoded("unknown", "bytes", data, {"bytes": data.hex()}, problem=str(error))
        moment = utc(at).isoformat(timespec="milliseconds")
        if self._as_json:
            print_json({"at": moment, "direction": who, **decoded.plain()})
            return
        console.print(f"[dim]{moment}[/] [green]{who}[/]", highlight=False)
        show_decoded(decoded, 1)


class MessageStream:
    """Cuts one direction of a link into messages: HDLC frames or wrapped APDUs, whichever its first byte shows."""

    def __init__(self, *, datagrams: bool) -> None:
        self._datagrams = datagrams
        self._cut: Cut | None = None

    def feed(self, data: bytes) -> list[bytes]:
        """The messages, and the garbage between them, that `data` completes."""
        if self._datagrams:
            return [data]
        if self._cut is None:
            self._cut = hdlc_cut() if data[0] == FLAG else _wrapper_cut()
        return self._cut(data)


def _wrapper_cut() -> Cut:
    framing = WrapperFraming(Role.SERVER, ANY_SAP, ANY_SAP)

    def cut(data: bytes) -> list[bytes]:
        framing.receive(data, 0.0)
        messages = []
        while (event := framing.next_event()) is not None:
            if isinstance(event, ApduReceived):
                messages.append(encode_wrapper(event.apdu, event.source, event.destination))
            elif isinstance(event, Garbage):
                messages.append(event.data)
        return messages

    return cut


class WatchedLink:
    """A sink of a captured link: both directions go to the watcher. A consumer port speaks and never hears."""

    def __init__(self, watcher: Watcher, name: str, *, datagrams: bool = False, consumer_port: bool = False) -> None:
        self._watcher = watcher
        self._name = name
        self._sent = MessageStream(datagrams=datagrams)
        self._received = ConsumerPortStream() if consumer_port else MessageStream(datagrams=datagrams)

    def sent(self, data: bytes, at: float) -> None:
        for message in self._sent.feed(data):
            self._watcher.show(message, at, f"to {self._name}")

    def received(self, data: bytes, at: float) -> None:
        for message in self._received.feed(data):
            self._watcher.show(message, at, f"from {self._name}")

    def ended(self, at: float) -> None:
        """Nothing more to show."""
