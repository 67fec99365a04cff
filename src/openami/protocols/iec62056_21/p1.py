"""P1 telegrams of consumer ports: data of IEC 62056-21 mode D, with a CRC-16 since DSMR 4.

    /XXX5identification CR LF CR LF data sets !CRC CR LF

The variant is told by what the telegram holds, nobody has to name it. (From published telegrams; the companion
standards were not at hand.)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

from openami.model.errors import DecodeError, FrameCheckError, LimitExceeded
from openami.protocols.iec62056_21.data_set import DataSet, decode_data_sets, encode_data_sets
from openami.protocols.wire.crc import crc16_arc

TELEGRAM_MAX: Final = 1 << 14
_TELEGRAM: Final = re.compile(rb"/([^\r\n]*)\r?\n(?:[ \t]*\r?\n)?([^!]*)!([0-9A-Fa-f]{0,4})\s*")
_VERSION: Final = "1-3:0.2.8"
_BELGIAN: Final = ("0-0:96.1.4", "0-0:98.1.0")
_LUXEMBOURG: Final = "0-0:42.0.0"


class Variant(Enum):
    """Which companion standard a telegram follows, as far as it shows."""

    DSMR_2_OR_3 = "DSMR 2 or 3"
    DSMR_4 = "DSMR 4"
    DSMR_5 = "DSMR 5 or ESMR 5"
    BELGIUM = "Belgium"
    LUXEMBOURG = "Luxembourg"
    SWEDEN = "Sweden"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Telegram:
    """One telegram. `checksum` is as stated, None where the meter sends none."""

    identification: str
    data_sets: tuple[DataSet, ...]
    checksum: int | None = None

    @property
    def variant(self) -> Variant:
        """The companion standard, by version number, national objects and checksum."""
        by_address = {each.address: each.values for each in self.data_sets}
        if _LUXEMBOURG in by_address:
            return Variant.LUXEMBOURG
        if any(address in by_address for address in _BELGIAN):
            return Variant.BELGIUM
        if version := by_address.get(_VERSION, ("",))[0]:
            return Variant.DSMR_5 if version.startswith("5") else Variant.DSMR_4
        if self.checksum is None:
            return Variant.DSMR_2_OR_3
        return Variant.SWEDEN if "1-0:3.8.0" in by_address else Variant.OTHER


class Parts(NamedTuple):
    """A telegram taken apart, its data sets not looked at; `body` begins at `at`."""

    identification: str
    body: str
    checksum: int | None
    at: int


def split_p1(data: bytes, *, check: bool = True) -> Parts:
    """One telegram, from `/` to `!` and its checksum; raises `DecodeError`, `FrameCheckError` for a wrong checksum."""
    if len(data) > TELEGRAM_MAX:
        raise LimitExceeded(f"a telegram of {len(data)} octets, limit {TELEGRAM_MAX}", TELEGRAM_MAX)
    match = _TELEGRAM.fullmatch(data)
    if match is None:
        raise DecodeError("a P1 telegram begins with / and ends with ! and its checksum", 0, ("P1",))
    identification, body, stated = match.groups()
    checksum = int(stated, 16) if stated else None
    if check and checksum is not None:
        calculated = crc16_arc(data[: match.start(3)])
        if checksum != calculated:
            raise FrameCheckError(
                f"checksum {checksum:04X}, calculated {calculated:04X}", match.start(3), ("P1", "crc")
            )
    return Parts(identification.decode("latin-1"), body.decode("latin-1"), checksum, match.start(2))


def decode_p1(data: bytes, *, check: bool = True) -> Telegram:
    """One telegram with its data sets; raises as `split_p1`, and `DecodeError` for what is no data set."""
    parts = split_p1(data, check=check)
    with located(parts):
        sets = decode_data_sets(parts.body)
    return Telegram(parts.identification, tuple(sets), parts.checksum)


@contextmanager
def located(parts: Parts) -> Iterator[None]:
    """An error inside the body says where in the telegram it is."""
    try:
        yield
    except DecodeError as error:
        raise type(error)(error.reason, error.offset + parts.at, ("P1", *error.path)) from None


def encode_p1(identification: str, data_sets: Iterable[DataSet], *, checksum: bool = True) -> bytes:
    """The octets of a telegram as a meter sends them; `identification` is what follows `/`."""
    head = f"/{identification}\r\n\r\n{encode_data_sets(data_sets)}!".encode("ascii")
    return head + (b"%04X\r\n" % crc16_arc(head) if checksum else b"\r\n")
