"""The secondary of a wired bus: a meter that answers at its primary address and when it is selected.

Sans-I/O, the shape of every core. It acknowledges and repeats by itself; what it has to say comes from whoever owns
it, as telegrams for a `ReadoutRequested`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from openami.model.errors import DecodeError, LocalProtocolError
from openami.protocols.mbus.wired.events import DataReceived, Ended, ReadoutRequested, SecondaryEvent
from openami.protocols.mbus.wired.frame import (
    BROADCAST,
    FCB,
    FCV,
    NETWORK_LAYER,
    PRIMARY_MAX,
    TEST,
    Acknowledge,
    Control,
    LongFrame,
    ShortFrame,
    WiredFrame,
    encode_frame,
)
from openami.protocols.mbus.wired.parser import Garbage, WiredParser
from openami.protocols.mbus.wired.selection import SELECT, decode_selection
from openami.protocols.mbus.wireless.address import MeterAddress

SELECT_MODE_2 = 0x56
SILENCE_S = 0.5
_ACKNOWLEDGE = encode_frame(Acknowledge())


class WiredSecondary:
    """One meter on a bus. `address` is its primary address (0: none yet), `meter` what a selection asks for, with the
    fabrication number `fabrication` if it has one.
    """

    def __init__(self, address: int, meter: MeterAddress, fabrication: str = "") -> None:
        if not 0 <= address <= PRIMARY_MAX:
            raise LocalProtocolError(f"primary address {address}: must be 0 to {PRIMARY_MAX}")
        self.address = address
        self.meter = meter
        self.fabrication = fabrication
        self.selected = False
        self._parser = WiredParser()
        self._events: deque[SecondaryEvent] = deque()
        self._out = bytearray()
        self._telegrams: deque[bytes] = deque()
        self._last = b""
        self._last_data: LongFrame | None = None
        self._frame_count: int | None = None
        self._asked_at: int | None = None
        self._give_up_at: float | None = None

    def receive(self, data: bytes, now: float) -> None:
        """Take bytes from the bus, those for others included."""
        self._take(self._parser.feed(data))
        self._give_up_at = now + SILENCE_S if self._parser.pending else None

    def next_event(self) -> SecondaryEvent | None:
        """The oldest event that was not taken yet."""
        return self._events.popleft() if self._events else None

    def send(self, telegrams: Sequence[tuple[int, bytes]], now: float) -> None:
        """Answer the last `ReadoutRequested`: CI field and data of each telegram; none is an acknowledgement.

        The first goes out at once, the others as the primary asks for them.
        """
        if self._asked_at is None:
            raise LocalProtocolError("nobody asked for telegrams")
        frames = [encode_frame(LongFrame(Control.RSP_UD.value, self.address, ci, data)) for ci, data in telegrams]
        self._asked_at = None
        self._telegrams = deque(frames or [_ACKNOWLEDGE])
        self._next()

    def data_to_send(self, now: float) -> bytes:
        """Bytes for the bus."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def next_timeout(self) -> float | None:
        """When `handle_timeout` wants to be called."""
        return self._give_up_at

    def handle_timeout(self, now: float) -> None:
        """Give up half a frame."""
        if self._give_up_at is not None and now >= self._give_up_at:
            self._give_up_at = None
            self._take(self._parser.flush())

    def closed(self, now: float) -> None:
        """The link has ended."""
        self._events.append(Ended())

    def _take(self, items: list[WiredFrame | Garbage]) -> None:
        for item in items:
            if isinstance(item, ShortFrame):
                self._short(item)
            elif isinstance(item, LongFrame) and item.control & ~FCB == Control.SND_UD.value:
                self._data(item)

    def _meant(self, address: int) -> bool:
        return address in {self.address, TEST, BROADCAST} or (address == NETWORK_LAYER and self.selected)

    def _short(self, frame: ShortFrame) -> None:
        if not self._meant(frame.address):
            return
        service = frame.control & ~FCB
        if service == Control.SND_NKE.value:
            self._initialise(frame.address)
        elif frame.address != BROADCAST and service in {Control.REQ_UD2.value, Control.REQ_UD1.value}:
            self._request(frame, alarm=service == Control.REQ_UD1.value)

    def _initialise(self, address: int) -> None:
        self._frame_count, self._last, self._last_data = None, b"", None
        self._telegrams.clear()
        if address == NETWORK_LAYER:
            self.selected = False
        self._acknowledge(address)

    def _request(self, frame: ShortFrame, *, alarm: bool) -> None:
        count = frame.control & FCB if frame.control & FCV else None
        if count is not None and count == self._frame_count and self._last:
            self._out += self._last
            return
        self._frame_count, self._last_data = count, None
        if self._telegrams and not alarm:
            self._next()
            return
        self._asked_at = frame.address
        self._events.append(ReadoutRequested(alarm))

    def _next(self) -> None:
        self._last = self._telegrams.popleft()
        self._out += self._last

    def _data(self, frame: LongFrame) -> None:
        if frame.ci in {SELECT, SELECT_MODE_2} and frame.address == NETWORK_LAYER:
            self._select(frame)
            return
        if not self._meant(frame.address):
            return
        count = frame.control & FCB
        # The address may have changed in between, and the primary counts anew at each: only the same frame is a repeat.
        repeated = frame == self._last_data
        self._frame_count, self._last, self._last_data = count, _ACKNOWLEDGE, frame
        self._telegrams.clear()
        self._acknowledge(frame.address)
        if not repeated:
            self._events.append(DataReceived(frame.ci, frame.data, frame.address == BROADCAST))

    def _select(self, frame: LongFrame) -> None:
        try:
            self.selected = frame.ci == SELECT and decode_selection(frame.data).means(self.meter, self.fabrication)
        except DecodeError:
            self.selected = False
        self._frame_count, self._last, self._last_data = None, b"", None
        self._telegrams.clear()
        if self.selected:
            self._acknowledge(NETWORK_LAYER)

    def _acknowledge(self, address: int) -> None:
        if address != BROADCAST:
            self._out += _ACKNOWLEDGE
