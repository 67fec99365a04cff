"""The lines of a registry file, declared: which records there are, and what each of their columns must be.

A file is CSV in UTF-8 with a header; `record` tells what a line is, and only that record's columns count. Times are
ISO 8601 with their offset; an empty `end` means: still so.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from openami.backoffice.mdm.hierarchy import channels_named, named_channels
from openami.model.errors import SettingError
from openami.model.obis import ObisCode
from openami.model.point import ChannelKind
from openami.model.quality import GuaranteeClass
from openami.model.unit import Unit

TEXT_MAX = 500
MULTIPLIER = re.compile(r"\d{1,6}(\.\d{1,6})?")
READS = re.compile(r"([^=\s]+)=(\d{1,18})")
UNITS = {unit.symbol: unit for unit in Unit}


def _text(given: str) -> str:
    if len(given) > TEXT_MAX:
        raise ValueError(f"is longer than {TEXT_MAX} characters")
    return given


def _instant(given: str) -> datetime:
    at = datetime.fromisoformat(given)
    if at.tzinfo is None:
        raise ValueError("has no offset; write it as 2026-11-23T10:00+01:00")
    return at


def _title(given: str) -> bytes:
    title = bytes.fromhex(given)
    if not title:
        raise ValueError("is empty")
    return title


def _reads(given: str) -> dict[str, int]:
    """`1-0:1.8.0*255=4060 1-0:2.8.0*255=0`."""
    found = READS.findall(given)
    if not found or READS.sub("", given).strip():
        raise ValueError("is not a list of OBIS=register")
    return {str(ObisCode.parse(obis)): int(register) for obis, register in found}


def _checks(given: str) -> str:
    """`P-7=1-0:1.8.0*255 P-8=1-0:1.8.0*255`, by which channels another one is checked, most trusted first."""
    return named_channels(channels_named(given))


def _unit(given: str) -> Unit:
    if given not in UNITS:
        raise ValueError("is no unit of this program; write it as Wh")
    return UNITS[given]


def _multiplier(given: str) -> tuple[int, int]:
    """An exact decimal as a whole factor and a scaler, by the decimals written: 40 is (40, 0), 40.0 is (400, -1)."""
    if not MULTIPLIER.fullmatch(given) or not float(given):
        raise ValueError("is not a multiplier: write it as 40 or 2.5")
    whole, _, fraction = given.partition(".")
    return int(whole + fraction), -len(fraction)


def _yes(given: str) -> bool:
    if given != "yes":
        raise ValueError("is not yes; leave it empty for no")
    return True


def _energy(given: str) -> int:
    energy = int(given)
    if not 0 <= energy < 10**15:
        raise ValueError("is not the energy of a year in Wh")
    return energy


def _digits(given: str) -> int:
    digits = int(given)
    if not 1 <= digits <= 18:
        raise ValueError("is not 1 to 18")
    return int(10**digits)


Parse = Callable[[str], Any]
PERIOD: dict[str, Parse] = {"start": _instant, "end": _instant}
COLUMNS: dict[str, dict[str, Parse]] = {
    "point": {"point": _text, "address": _text, "zone": _text},
    "meter": {"meter": _text, "system_title": _title, "guarantee": lambda t: GuaranteeClass(int(t)), "link": _text,
              "framing": _text},
    "channel": {"point": _text, "channel": int, "obis": ObisCode.parse, "kind": ChannelKind, "unit": _unit,
                "scaler": int, "multiplier": _multiplier, "resolution_s": int, "digits": _digits},
    "installation": {"point": _text, "meter": _text, **PERIOD, "opening": _reads, "closing": _reads},
    "ratio": {"point": _text, "obis": ObisCode.parse, "scaler": int, "multiplier": _multiplier, **PERIOD,
              "opening": _reads, "correction": _yes},
    "check": {"point": _text, "obis": ObisCode.parse, "checks": _checks, **PERIOD, "correction": _yes},
    "supply": {"point": _text, "consumer": _text, **PERIOD, "correction": _yes},
    "contract": {"point": _text, "contract": _text, "supplier": _text, "tariff": _text, "annual_wh": _energy,
                 **PERIOD, "correction": _yes},
    "topology": {"point": _text, "area": _text, "substation": _text, "feeder": _text, "transformer": _text,
                 "phase": _text, "role": _text, **PERIOD, "correction": _yes},
}  # fmt: skip
"""Per record its columns, in the order in which they are written."""
OPTIONAL = frozenset(
    ("end", "opening", "closing", "link", "framing", "digits", "multiplier", "scaler", "tariff", "annual_wh",
     "substation", "feeder", "transformer", "phase", "role", "resolution_s", "correction")
)  # fmt: skip
ALL_COLUMNS = ["record", *dict.fromkeys(name for columns in COLUMNS.values() for name in columns)]


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its number, what it is, and its values by column; empty ones are left out."""

    number: int
    record: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line that was not taken, and why."""

    line: int
    reason: str


def read_lines(text: Iterable[str]) -> Iterator[Line | Rejected]:
    """Each line, one at a time. Raises `SettingError` if the header is not one of such a file."""
    reader = csv.DictReader(text, strict=True)
    try:
        names = list(reader.fieldnames or ())
    except (csv.Error, UnicodeDecodeError) as error:
        raise SettingError(f"this is no CSV text in UTF-8: {error}") from error
    unknown = [name for name in names if name not in ALL_COLUMNS]
    if "record" not in names or unknown:
        raise SettingError(f"the header is not one of a registry file; unknown: {', '.join(unknown) or 'nothing'}; "
                           "`record` must be there")  # fmt: skip
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except (csv.Error, UnicodeDecodeError) as error:
            yield Rejected(reader.line_num + 1, f"cannot be read as CSV in UTF-8: {error}; nothing after it was taken")
            return
        yield _line(reader.line_num, row)


def _line(number: int, row: dict[Any, Any]) -> Line | Rejected:
    record = row.get("record") or ""
    if record not in COLUMNS:
        return Rejected(number, f"record {record[:40]!r} is none of {', '.join(COLUMNS)}")
    if None in row or None in row.values():
        return Rejected(number, "has not as many fields as the header")
    values = {}
    for name, parse in COLUMNS[record].items():
        given = (row.get(name) or "").strip()
        if not given and name not in OPTIONAL:
            return Rejected(number, f"{record}: {name} is empty")
        try:
            if given:
                values[name] = parse(given)
        except (ValueError, OverflowError) as error:
            return Rejected(number, f"{name} {given[:40]!r} {_why(error)}")
    if "end" in values and values["end"] <= values["start"]:
        return Rejected(number, f"end {values['end'].isoformat()} is not after start")
    return Line(number, record, values)


def _why(error: Exception) -> str:
    told = str(error)
    return told if told.startswith(("is ", "has ")) else f"cannot be read: {told}"
