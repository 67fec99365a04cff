"""A driver file: which meters it is for, names for standard records, layouts of the maker's own, and test telegrams.

title = "A water meter"
source = "where the facts are from"

[[meter]]                      # manufacturer letters; versions and types left out mean any
manufacturer = "OAM"
versions = [0x62]
types = [0x07]

[[record]]                     # a standard record by its header gets a name of its own
header = "0aa618"
name = "operating time in error"
unit = "%"                     # only where the maker counts something else than the record's code says

[[layout]]                     # bytes at fixed places
where = "ci a2"                # or "manufacturer data", or "record 0dff5f", or "content": all of it, no records then
starts = "0f"                  # only if the bytes begin so
cipher = "prios"               # the maker's own scheme (`ciphers`), with the keys that all his meters share
keys = ["0001020304050607"]
[[layout.field]]
name = "volume"                # with `count`: a series, `{n}` is its number, `first` its first one
at = 3
size = 2
kind = "unsigned"              # or signed, bcd, date, big (high byte first)
divisor = 10
unit = "m³"                    # `step`: distance within a series, where it is not the size
mask = 0xF0                    # these bits alone, moved down
values = { 14 = "3.7" }        # what codes mean; any other one is no value
nibbles = [2, 0, 1]            # half bytes of the field that make the number, highest first

[[sum]]                        # a value that the telegram does not hold itself
name = "total"
of = ["volume at the due date", "volume since the due date"]

[[test]]
telegram = "2E44…"
values = { total = "13.8 m³" }
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from openami.model.errors import OpenAmiError, SettingError
from openami.model.unit import Unit
from openami.protocols.mbus.records import decode_headers
from openami.protocols.mbus.wireless.address import LETTERS, MeterAddress, manufacturer_code
from openami.protocols.mbus.wireless.drivers.ciphers import CIPHERS

KINDS = ("unsigned", "signed", "bcd", "date", "big")
PLACES = ("ci", "manufacturer", "record", "content")
BARE = ("manufacturer", "content")
"""Places that need no argument."""
SERIES_MAX = 64
UNITS: Mapping[str, tuple[Unit, int]] = {unit.symbol: (unit, 0) for unit in Unit if unit is not Unit.OTHER} | {
    "kWh": (Unit.WATT_HOUR, 3),
    "MJ": (Unit.JOULE, 6),
    "HCA": (Unit.COUNT, 0),
}
"""What a driver may write as unit, and the power of ten that it means; heat cost allocation units are counted."""


@dataclass(frozen=True, slots=True)
class Field:
    """`size` bytes at `at`, low byte first; a series repeats `count` times, side by side.

    With a `tag` (two hexadecimal digits) `at` counts from behind it.
    """

    name: str
    at: int
    size: int
    kind: str = "unsigned"
    divisor: int = 1
    unit: str = ""
    count: int = 1
    first: int = 1
    tag: str = ""
    step: int = 0
    mask: int = 0
    values: Mapping[str, str] | None = None
    nibbles: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the bytes are (`place` and its argument), how they begin, and the fields in them.

    `sizes` are those of tagged parts that follow one another behind `skip` bytes; a tag without a size ends them.
    """

    place: str
    argument: bytes
    starts: bytes
    fields: tuple[Field, ...]
    skip: int = 0
    sizes: Mapping[int, int] | None = None
    cipher: str = ""
    keys: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Naming:
    """A record's name in this maker's meters, and its unit where the record's code says a wrong one."""

    name: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Sum:
    """A calculated value."""

    name: str
    of: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DriverTest:
    """A telegram with what it has to give."""

    telegram: bytes
    values: Mapping[str, str]
    key: bytes | None = None


@dataclass(frozen=True, slots=True)
class Driver:
    """One file. `meters` are (manufacturer, versions, types); an empty tuple means any."""

    name: str
    title: str
    source: str
    meters: tuple[tuple[int, tuple[int, ...], tuple[int, ...]], ...]
    records: Mapping[bytes, Naming]
    layouts: tuple[Layout, ...]
    sums: tuple[Sum, ...]
    tests: tuple[DriverTest, ...]
    formats: tuple[bytes, ...] = ()

    def fits(self, meter: MeterAddress) -> bool:
        """Whether this driver is for `meter`."""
        return any(
            code == meter.manufacturer & LETTERS
            and (not versions or meter.version in versions)
            and (not types or meter.device_type in types)
            for code, versions, types in self.meters
        )


def load_driver(name: str, text: str) -> Driver:
    """Read a driver file; raises `SettingError` that names the file, the table and what is wrong."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingError(f"driver {name}: {error}") from error
    known = {"title", "source", "meter", "record", "layout", "sum", "test", "format"}
    try:
        _only(table, known)
        return Driver(
            name,
            str(table["title"]),
            str(table["source"]),
            tuple(_each(table, "meter", _meter)),
            dict(_each(table, "record", _record)),
            tuple(_each(table, "layout", _layout)),
            tuple(_each(table, "sum", _sum)),
            tuple(_each(table, "test", _test)),
            tuple(_each(table, "format", _format)),
        )
    except KeyError as error:
        raise SettingError(f"driver {name}: {error.args[0]} is missing") from error
    except (ValueError, TypeError, AttributeError, OpenAmiError) as error:
        raise SettingError(f"driver {name}: {error}") from error


def _only(table: Mapping[str, Any], known: set[str]) -> None:
    for key in table:
        if key not in known:
            raise ValueError(f"{key!r} is not known; known are {', '.join(sorted(known))}")


def _each(table: Mapping[str, Any], key: str, read: Any) -> list[Any]:
    found: list[Any] = []
    for number, part in enumerate(table.get(key, []), 1):
        try:
            found.append(read(part))
        except KeyError as error:
            raise ValueError(f"{key} {number}: {error.args[0]} is missing") from error
        except (ValueError, TypeError, OpenAmiError) as error:
            raise ValueError(f"{key} {number}: {error}") from error
    return found


def _meter(part: Mapping[str, Any]) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
    _only(part, {"manufacturer", "versions", "types"})
    return manufacturer_code(part["manufacturer"]), tuple(part.get("versions", ())), tuple(part.get("types", ()))


def _record(part: Mapping[str, Any]) -> tuple[bytes, Naming]:
    _only(part, {"header", "name", "unit"})
    return bytes.fromhex(part["header"]), Naming(str(part["name"]), _unit(part))


def _unit(part: Mapping[str, Any]) -> str:
    symbol = str(part.get("unit", ""))
    if symbol not in UNITS:
        raise ValueError(f"unit {symbol!r} is not known; known are {', '.join(filter(None, UNITS))}")
    return symbol


def _layout(part: Mapping[str, Any]) -> Layout:
    _only(part, {"where", "starts", "field", "skip", "sizes", "cipher", "keys"})
    words = str(part["where"]).split()
    if not words or words[0] not in PLACES:
        raise ValueError(
            f"where = {part['where']!r}; write ci and its two digits, manufacturer data, content, or record and header"
        )
    argument = b"" if words[0] in BARE else bytes.fromhex(words[1] if len(words) > 1 else "")
    if words[0] not in BARE and not argument:
        raise ValueError(f"where = {part['where']!r} says no hexadecimal digits")
    sizes = {int(tag, 16): int(size) for tag, size in part.get("sizes", {}).items()}
    if any(size < 0 for size in sizes.values()) or part.get("skip", 0) < 0:
        raise ValueError("skip and sizes are not negative")
    fields = tuple(_each(part, "field", _field))
    for field in fields:
        if field.tag and int(field.tag, 16) not in sizes:
            raise ValueError(f"{field.name}: tag {field.tag} has no size")
    cipher, keys = str(part.get("cipher", "")), tuple(bytes.fromhex(key) for key in part.get("keys", ()))
    if bool(cipher) != bool(keys) or cipher not in {"", *CIPHERS}:
        raise ValueError(f"cipher {cipher!r} and keys belong together; known are {', '.join(CIPHERS)}")
    starts = bytes.fromhex(part.get("starts", ""))
    return Layout(words[0], argument, starts, fields, part.get("skip", 0), sizes or None, cipher, keys)


def _field(part: Mapping[str, Any]) -> Field:
    _only(part, set(Field.__slots__))
    field = Field(**{**part, "unit": _unit(part), "nibbles": tuple(part.get("nibbles", ()))})
    if field.kind not in KINDS:
        raise ValueError(f"kind {field.kind!r}; known are {', '.join(KINDS)}")
    if field.at < 0 or not 1 <= field.size <= 8 or field.divisor < 1 or not 1 <= field.count <= SERIES_MAX:
        raise ValueError(f"{field.name}: at from 0, size 1 to 8, divisor from 1, count 1 to {SERIES_MAX}")
    if field.kind == "date" and field.size != 2:
        raise ValueError(f"{field.name}: a date has 2 bytes")
    if field.mask < 0 or field.step < 0 or any(not 0 <= at < 2 * field.size for at in field.nibbles):
        raise ValueError(f"{field.name}: mask and step from 0, nibbles inside the {field.size} bytes")
    if field.count > 1 and "{n}" not in field.name:
        raise ValueError(f"{field.name}: the name of a series says where its number stands, with {{n}}")
    return field


def _format(part: Mapping[str, Any]) -> bytes:
    _only(part, {"headers"})
    headers = bytes.fromhex(part["headers"])
    decode_headers(headers)
    return headers


def _sum(part: Mapping[str, Any]) -> Sum:
    _only(part, {"name", "of"})
    return Sum(str(part["name"]), tuple(map(str, part["of"])))


def _test(part: Mapping[str, Any]) -> DriverTest:
    _only(part, {"telegram", "values", "key"})
    key = bytes.fromhex(part["key"]) if "key" in part else None
    return DriverTest(bytes.fromhex(part["telegram"]), dict(part["values"]), key)
