"""Load profiles as P.01 sends them: a header per stretch without gaps, then one group of values per period.

    P.01(time)(status)(period in minutes)(channels)(code)(unit)…  (value)…(value)  (value)…

The header stands again where the day or the status changes. The time is the end of the first period behind it, with a
leading digit for the season (0 winter, 1 summer, 2 UTC) if it has 13 or 11 digits, without seconds if 11 or 10. (From
public descriptions and read-outs of German load-profile meters.)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from openami.model.errors import DecodeError
from openami.model.measurement import Measurement
from openami.protocols.iec62056_21.data_set import DataSet
from openami.protocols.iec62056_21.measurements import CENTRAL_EUROPE_S, code, value_of
from openami.protocols.iec62056_21.message import Command

CHANNELS_MAX: Final = 64
_SEASONS_S: Final = {"0": 0, "1": 3600}
_UTC: Final = "2"
_HEAD: Final = 4


@dataclass(frozen=True, slots=True)
class Stretch:
    """Values without a gap: `rows` follow one another by `period_min` from `begin`, the meter's text, on."""

    begin: str
    status: int
    period_min: int
    channels: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, ...], ...]

    def measurements(self, *, winter_s: int = CENTRAL_EUROPE_S) -> list[Measurement]:
        """Every value with the end of its period in UTC, or a remark with the local time where no season is told."""
        first = moment_of(self.begin, winter_s)
        found: list[Measurement] = []
        for number, row in enumerate(self.rows):
            time = first and first + timedelta(minutes=self.period_min * number)
            remark = "" if time else f"period {number} from local time {self.begin}"
            for (name, unit), text in zip(self.channels, row, strict=True):
                code_of = code(name)
                value = value_of(code_of, f"{text}*{unit}" if text else "")
                found.append(Measurement(code_of, value, time, status=self.status, remark=remark))
        return found


def read_command(begin: str = "", end: str = "", name: str = "P.01") -> Command:
    """The command that reads a load profile between two times as the meter writes them; empty: as far as it goes."""
    return Command("R", "5", f"{name}({begin};{end})")


def decode_load_profile(sets: Iterable[DataSet], name: str = "P.01") -> list[Stretch]:
    """The stretches of a load profile; raises `DecodeError` for a header or a row that does not fit."""
    return [_stretch(each.values, index) for index, each in enumerate(sets) if each.address == name]


def _stretch(values: tuple[str, ...], index: int) -> Stretch:
    where = ("P.01", f"[{index}]")
    try:
        status, period, count = int(values[1], 16), int(values[2]), int(values[3])
    except (ValueError, IndexError):
        raise DecodeError(f"header {values[:_HEAD]} is no status, period and number of channels", 0, where) from None
    if not 0 < count <= CHANNELS_MAX or len(values) < _HEAD + 2 * count or not 0 < period <= 1440:
        raise DecodeError(f"{count} channels of {period} min announced, {len(values)} values there", 0, where)
    named = values[_HEAD : _HEAD + 2 * count]
    rest = values[_HEAD + 2 * count :]
    if len(rest) % count:
        raise DecodeError(f"{len(rest)} values for {count} channels", 0, where)
    rows = tuple(rest[at : at + count] for at in range(0, len(rest), count))
    return Stretch(values[0], status, period, tuple(zip(named[::2], named[1::2], strict=True)), rows)


def text_of(moment: datetime, winter_s: int = CENTRAL_EUROPE_S) -> str:
    """A time in winter time, to the minute, as requests of load profiles have it."""
    return f"0{moment.astimezone(UTC) + timedelta(seconds=winter_s):%y%m%d%H%M}"


def moment_of(text: str, winter_s: int = CENTRAL_EUROPE_S) -> datetime | None:
    """UTC of a time that tells its season (11 or 13 digits); None for any other."""
    if len(text) not in {11, 13} or not text.isascii() or not text.isdigit():
        return None
    try:
        local = datetime.strptime(text[1:].ljust(12, "0"), "%y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    if text[0] == _UTC:
        return local
    return None if text[0] not in _SEASONS_S else local - timedelta(seconds=winter_s + _SEASONS_S[text[0]])
