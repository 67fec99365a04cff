"""Watching what passes: bytes of a link, cut into messages and explained as they come."""

from __future__ import annotations

from typing import Final

from openami.cli.consumer_port import ConsumerPortStream
from openami.cli.explained import show_decoded
from openami.cli.output import console, print_json
from openami.model.errors import DecodeError
from openami.model.interval import utc
from openami.protocols.decode import Decoded, decode_message
from openami.protocols.dlms.framing import ApduReceived, Garbage, Role
from openami.protocols.dlms.hdlc.frame import FLAG, Frame, encode_frame
from openami.protocols.dlms.hdlc.parser import HdlcParser
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
        self._hdlc: HdlcParser | None = None
        self._wrapper: WrapperFraming | None = None

    def feed(self, data: bytes) -> list[bytes]:
        """The messages, and the garbage between them, that `data` completes."""
        if self._datagrams:
            return [data]
        if self._hdlc is None and self._wrapper is None:
            self._choose(data)
        if self._hdlc is not None:
            return [encode_frame(one) if isinstance(one, Frame) else one.data for one in self._hdlc.feed(data)]
        return self._wrapped(data)

    def _choose(self, data: bytes) -> None:
        if data[0] == FLAG:
            self._hdlc = HdlcParser()
        else:
            self._wrapper = WrapperFraming(Role.SERVER, ANY_SAP, ANY_SAP)

    def _wrapped(self, data: bytes) -> list[bytes]:
        assert self._wrapper is not None
        self._wrapper.receive(data, 0.0)
        messages = []
        while (event := self._wrapper.next_event()) is not None:
            if isinstance(event, ApduReceived):
                messages.append(encode_wrapper(event.apdu, event.source, event.destination))
            elif isinstance(event, Garbage):
                messages.append(event.data)
        return messages


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
