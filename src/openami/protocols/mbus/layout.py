"""What the header (DIF, DIFEs, VIF, VIFEs) of a record means, worked out once per distinct header."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from openami.model.unit import Unit
from openami.protocols.mbus.dif import (
    DATA_SIZE,
    EXTENSION,
    DataInformation,
    Function,
    read_data_information,
    skip_extensions,
)
from openami.protocols.mbus.value import Convert, Value, added, converter, shifted
from openami.protocols.mbus.vif import NO_OFFSET, Kind, Meaning, Offset
from openami.protocols.mbus.vif_tables import FIRST_EXTENSION, FIRST_EXTENSION_SECOND_LEVEL, PRIMARY, SECOND_EXTENSION
from openami.protocols.mbus.vife import (
    COMBINABLE,
    COMBINABLE_EXTENSION,
    COMBINABLE_SECOND_LEVEL,
    MANUFACTURER_FOLLOWS,
    Effect,
    Vife,
)
from openami.protocols.wire.cursor import Cursor

PLAIN_TEXT_VIF = 0x7C
FIRST_EXTENSION_VIF = 0xFD
SECOND_EXTENSION_VIF = 0xFB
THIRD_EXTENSION_VIF = 0xEF
MANUFACTURER_VIF = 0x7F
LAYOUTS_MAX = 1 << 13
"""Headers that are remembered. The telegrams of a few hundred makers and types have some thousands. Whoever makes up
headers takes ten megabytes with them, and what was remembered is worked out anew.
"""
_new = tuple.__new__
"""A named tuple's own constructor costs a call more."""
RESERVED = Meaning("reserved", Unit.OTHER, 0, Kind.NUMBER, 1)

_RATE_UNITS = {
    (Unit.CUBIC_METRE, "/h"): Unit.CUBIC_METRE_PER_HOUR,
    (Unit.CUBIC_METRE, "/d"): Unit.CUBIC_METRE_PER_DAY,
    (Unit.JOULE, "/h"): Unit.JOULE_PER_HOUR,
    (Unit.KILOGRAM, "/h"): Unit.KILOGRAM_PER_HOUR,
    (Unit.KILOGRAM, "/s"): Unit.KILOGRAM_PER_SECOND,
}


class RecordLayout(NamedTuple):
    """A record's header, read.

    `size` is the size of the data, `None` where an LVAR byte tells it. `unit` with `unit_text` is what the value
    counts: `unit` is `OTHER` where only the text can say it. `vif` are the codes without extension bits, `modifiers`
    what the VIFEs say about the value, `error` what the meter says instead of one. Correction factors are in
    `exponent`, the sum of correction constants is `offset`; `convert` applies both. All
    of it follows from the header: layouts of one header are equal.
    """

    header: bytes
    data: DataInformation
    quantity: str
    unit: Unit
    unit_text: str
    exponent: int
    factor: int
    kind: Kind
    vif: bytes
    vifes: bytes
    modifiers: tuple[str, ...]
    error: str
    size: int | None
    convert: Convert
    offset: Offset

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RecordLayout) and self.header == other.header

    def __ne__(self, other: object) -> bool:  # a tuple has one of its own
        return not self == other

    def __hash__(self) -> int:
        return hash(self.header)

    @property
    def name(self) -> str:
        """What people call the value: `maximum power, tariff 1, storage 3`."""
        function = self.data.function
        parts = [self.quantity if function is Function.INSTANTANEOUS else f"{_FUNCTIONS[function]} {self.quantity}"]
        parts += self.modifiers
        counted = (("tariff", self.data.tariff), ("subunit", self.data.subunit), ("storage", self.data.storage))
        parts += [f"{name} {number}" for name, number in counted if number]
        return ", ".join(parts)


_ANOTHER_KIND = {Effect.TIME: Kind.TIME, Effect.DURATION: Kind.NUMBER, Effect.COUNT: Kind.UNSIGNED}
_EXTREMES = (Function.MAXIMUM, Function.MINIMUM)
_PERIODS = ("/d", "/wk", "/mo", "/a")
_LEVELS = frozenset({
    Unit.WATT, Unit.VAR, Unit.VOLT_AMPERE, Unit.JOULE_PER_HOUR, Unit.CUBIC_METRE_PER_HOUR, Unit.KILOGRAM_PER_HOUR,
    Unit.DEGREE_CELSIUS, Unit.DEGREE_FAHRENHEIT, Unit.KELVIN, Unit.BAR, Unit.VOLT, Unit.AMPERE,
})  # fmt: skip
"""Units of what is measured at a moment and adds up to nothing."""
_IN_THE_VALUE = (Effect.SCALE, Effect.OFFSET)
_FUNCTIONS = {Function.MAXIMUM: "maximum", Function.MINIMUM: "minimum", Function.ERROR_STATE: "in error state:"}


class _ValueInformation(NamedTuple):
    meaning: Meaning
    vif: bytes
    text: str
    vifes: bytes
    manufacturer: bool


def skip_header(cursor: Cursor) -> bytes:
    """Move behind the record header at the cursor and give its bytes; its DIF is not a special one."""
    start = cursor.position
    if cursor.end - start > 1:
        data = cursor.data
        if not (data[start] | data[start + 1]) & EXTENSION and data[start + 1] != PLAIN_TEXT_VIF:
            cursor.position = start + 2
            return data[start : start + 2]
    skip_extensions(cursor, cursor.u8(), "DIFEs")
    vif = cursor.u8()
    if vif & 0x7F == PLAIN_TEXT_VIF:
        cursor.take(cursor.u8())
    skip_extensions(cursor, vif, "VIFEs")
    return cursor.data[start : cursor.position]


@lru_cache(LAYOUTS_MAX)
def compile_layout(header: bytes) -> RecordLayout:
    """The meaning of `header`, which is complete and exact; its DIF is not a special one."""
    split = 1
    while header[split - 1] & EXTENSION:
        split += 1
    data = read_data_information(header[:split])
    field = data.data_field
    value = _BARE.get(header[split:]) or _value_information(header[split:])
    meaning, vif, text, vifes, _ = value
    modifiers: tuple[str, ...] = ()
    error = per = ""
    if vifes:
        meaning, modifiers, error, per = _modified(value)
        if per in _PERIODS and meaning.unit in _LEVELS and data.function in _EXTREMES:
            per = ""  # the highest power of a month is a power
        vifes = bytes([vife & 0x7F for vife in vifes])
    quantity, unit, exponent, kind, factor, _, offset = meaning
    unit, text = _unit(unit, per, text)
    convert = converter(field, kind, unit, exponent, factor)
    if offset is not NO_OFFSET:
        convert = _with_offset(convert, offset)
    return _new(
        RecordLayout,
        (header, data, quantity, unit, text, exponent, factor, kind, vif, vifes, modifiers, error, DATA_SIZE[field],
         convert, offset),
    )  # fmt: skip


def _value_information(block: bytes) -> _ValueInformation:
    first = block[0]
    code = first & 0x7F
    rest = block[1:]
    if code == PLAIN_TEXT_VIF:
        length = rest[0]
        text = rest[1 : 1 + length][::-1].decode("latin-1")
        meaning = Meaning(text, Unit.OTHER, 0, Kind.NUMBER, 1)
        return _ValueInformation(meaning, bytes((code,)), text, rest[1 + length :], manufacturer=False)
    if first == FIRST_EXTENSION_VIF:
        return _extended(FIRST_EXTENSION, block)
    if first == SECOND_EXTENSION_VIF:
        return _extended(SECOND_EXTENSION, block)
    if first == THIRD_EXTENSION_VIF:
        return _ValueInformation(RESERVED, bytes((code, rest[0] & 0x7F)), "", rest[1:], manufacturer=False)
    manufacturer = code == MANUFACTURER_VIF
    return _ValueInformation(PRIMARY.get(code, RESERVED), bytes((code,)), "", rest, manufacturer)


def _extended(table: dict[int, Meaning], block: bytes) -> _ValueInformation:
    depth = 1
    if table is FIRST_EXTENSION and block[1] == FIRST_EXTENSION_VIF:
        table, depth = FIRST_EXTENSION_SECOND_LEVEL, 2
    code = block[depth] & 0x7F
    vif = bytes(byte & 0x7F for byte in block[: depth + 1])
    return _ValueInformation(table.get(code, RESERVED), vif, "", block[depth + 1 :], manufacturer=False)


def _modified(value: _ValueInformation) -> tuple[Meaning, tuple[str, ...], str, str]:
    """The meaning under the VIFEs, their names, the meter's error, and what the unit is divided by."""
    meaning, names, error, per = value.meaning, [], "", ""
    for vife in _vifes(value):
        if vife.effect is Effect.ERROR:
            error = vife.name
            continue
        if vife.effect not in _IN_THE_VALUE:
            names.append(vife.name)
        per += vife.per
        meaning = _effect(vife, meaning)
    return meaning, tuple(names), error, per


def _vifes(value: _ValueInformation) -> list[Vife]:
    found: list[Vife] = []
    codes = [byte & 0x7F for byte in value.vifes]
    manufacturer = value.manufacturer
    position = 0
    while position < len(codes):
        code = codes[position]
        position += 1
        if manufacturer:
            found.append(Vife(f"manufacturer's {code:02x}"))
        elif code == MANUFACTURER_FOLLOWS:
            manufacturer = True
        elif code == COMBINABLE_EXTENSION and position < len(codes):
            second = codes[position]
            found.append(COMBINABLE_SECOND_LEVEL.get(second, Vife(f"reserved 7c {second:02x}")))
            position += 1
        else:
            found.append(COMBINABLE.get(code, Vife(f"reserved {code:02x}")))
    return found


def _effect(vife: Vife, meaning: Meaning) -> Meaning:
    """What `meaning` is under one more VIFE; they act in the order in which they stand."""
    quantity, (constant, power) = meaning.quantity, meaning.offset
    if vife.effect is Effect.SCALE:
        offset = (constant, power + vife.exponent) if constant else NO_OFFSET
        return meaning._replace(exponent=meaning.exponent + vife.exponent, offset=offset)
    if vife.effect is Effect.OFFSET:
        return meaning._replace(offset=added(meaning.offset, (meaning.factor, meaning.prefix + vife.exponent)))
    if vife.effect in _ANOTHER_KIND:
        return Meaning(quantity, vife.unit, 0, _ANOTHER_KIND[vife.effect], 1)
    if vife.effect is Effect.PROFILE:
        return meaning._replace(kind=Kind.BYTES)
    return meaning


def _with_offset(convert: Convert, offset: Offset) -> Convert:
    def corrected(raw: bytes) -> Value:
        return shifted(convert(raw), offset)

    return corrected


def _unit(unit: Unit, per: str, text: str) -> tuple[Unit, str]:
    if not per:
        return unit, text or unit.symbol
    combined = _RATE_UNITS.get((unit, per), Unit.OTHER)
    return combined, combined.symbol if combined is not Unit.OTHER else f"{text or unit.symbol}{per}"


_BARE = {
    bytes((code,)): _value_information(bytes((code,)))
    for code in PRIMARY
    if code not in {PLAIN_TEXT_VIF, MANUFACTURER_VIF}
}
"""The VIFs of one byte that are in the primary table."""
