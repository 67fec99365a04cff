"""The one-hop repeater of wireless M-Bus (single-hop repeating is also clause 9 of EN 13757-5): what it hears from
meters it says again once, later, with the mark that says so.

Only broadcasts and installation telegrams that no repeater has said are repeated, after 5 to 25 seconds, and after an
installation telegram SND-NKE tells the installer that there is a way. The mark is the hop bit: in the extended link
layer, else in the configuration word of modes 0 and 5; a telegram that has neither cannot be marked and is left alone.
Nothing is opened, and no key is needed. (From a public digest of OMS volume 2; the standards' texts were not at hand.)
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from openami.protocols.mbus.wireless.address import MeterAddress
from openami.protocols.mbus.wireless.extended_link import ELL_FIXED, HOP, REPEATED_ACCESS
from openami.protocols.mbus.wireless.frame_format import HEADER_SIZE, decode_frame
from openami.protocols.mbus.wireless.link import SND_IR, SND_NKE, SND_NR
from openami.protocols.mbus.wireless.sealing import REQUEST_CI, Heading, plain_frame
from openami.protocols.mbus.wireless.transport import CONTENTS, Header, decode_transport

DELAY_MIN_S, DELAY_MAX_S = 5.0, 25.0
WAITING_MAX = 1_000
WORD_HOP, WORD_REPEATED_ACCESS = 0x01, 0x02
"""In the low byte of the configuration word of modes 0 and 5."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a telegram's hop bit stands: byte `at`, bit `hop`; `set` if a repeater has said the telegram already."""

    at: int
    hop: int
    set: bool


def hop_mark(data: bytes) -> Mark | None:
    """The place of the mark in a frame without checksums; None if it has no such place. Raises `DecodeError`."""
    if len(data) <= HEADER_SIZE + 1:
        return None
    if data[HEADER_SIZE] in ELL_FIXED:
        at, hop, access = HEADER_SIZE + 1, HOP, REPEATED_ACCESS
    elif data[HEADER_SIZE] not in CONTENTS:
        return None
    else:
        transport = decode_transport(data, HEADER_SIZE)
        if transport.header is Header.NONE or transport.mode not in {0, 5}:
            return None
        at, hop, access = transport.stop - 2 - len(transport.extension), WORD_HOP, WORD_REPEATED_ACCESS
    return Mark(at, hop, bool(data[at] & (hop | access)))


def marked(data: bytes) -> bytes | None:
    """The telegram as a repeater says it; None for one that is not repeated. Raises `DecodeError`."""
    if len(data) <= HEADER_SIZE or data[1] not in {SND_NR, SND_IR}:
        return None
    mark = hop_mark(data)
    if mark is None or mark.set:
        return None
    return data[: mark.at] + bytes((data[mark.at] | mark.hop,)) + data[mark.at + 1 :]


class OneHopRepeater:
    """Says again what it hears. `random` gives bytes; at most `waiting_max` telegrams wait, what comes then is dropped.

    A telegram that another repeater says first is not said again. `only`: no meters but these.
    """

    def __init__(
        self,
        address: MeterAddress,
        random: Callable[[int], bytes],
        *,
        only: frozenset[MeterAddress] = frozenset(),
        waiting_max: int = WAITING_MAX,
    ) -> None:
        self.repeated = self.dropped = 0
        self._address = address
        self._random = random
        self._only = only
        self._waiting_max = waiting_max
        self._waiting: OrderedDict[bytes, float] = OrderedDict()

    def receive(self, raw: bytes, now: float) -> bool:
        """Take a frame that was heard; whether it will be said again. Raises `DecodeError` for what is none."""
        frame = decode_frame(raw)
        self._waiting.pop(frame.data, None)  # another repeater was faster: its frame is what ours would be
        meter = MeterAddress.from_link(frame.data[2:HEADER_SIZE])
        again = marked(frame.data) if not self._only or meter in self._only else None
        if again is None or again in self._waiting:
            return False
        if len(self._waiting) >= self._waiting_max:
            self.dropped += 1
            return False
        share = int.from_bytes(self._random(2), "big") / 0x1_0000
        self._waiting[again] = now + DELAY_MIN_S + share * (DELAY_MAX_S - DELAY_MIN_S)
        return True

    def next_timeout(self) -> float | None:
        """When the next telegram is due; None if nothing waits."""
        return min(self._waiting.values(), default=None)

    def data_to_send(self, now: float) -> list[bytes]:
        """The frames that are due, without checksums."""
        due = sorted((at, data) for data, at in self._waiting.items() if at <= now)
        out: list[bytes] = []
        for _, data in due:
            del self._waiting[data]
            self.repeated += 1
            out.append(data)
            if data[1] == SND_IR:
                out.append(self._way_is_there(data))
        return out

    def _way_is_there(self, data: bytes) -> bytes:
        meter = MeterAddress.from_link(data[2:HEADER_SIZE])
        return plain_frame(
            Heading(control=SND_NKE, meter=meter, access_number=0, ci=REQUEST_CI, gateway=self._address), b""
        )
