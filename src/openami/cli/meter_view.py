"""What a meter holds, read object by object and put into tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from openami.io.links.dlms import DlmsClient
from openami.model.errors import DecodeError, ServiceError, SettingError
from openami.model.obis import ObisCode
from openami.protocols.dlms.access_result import DataAccessResult
from openami.protocols.dlms.cosem.association_ln import ObjectListElement
from openami.protocols.dlms.cosem.describe import describe
from openami.protocols.dlms.cosem.profile_generic import ProfileGeneric
from openami.protocols.dlms.cosem.register import SCAL_UNIT_TYPE, ScalUnitType
from openami.protocols.dlms.data import Data, DataType, decode_data, octet_string
from openami.protocols.dlms.date_time import CosemDateTime
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor
from openami.protocols.dlms.meaning import date_time_of, meaning
from openami.protocols.dlms.obis_names import obis_name
from openami.protocols.dlms.selective_access import (
    CaptureObjectDefinition,
    EntryDescriptor,
    RangeDescriptor,
    access_of,
)

Column = CaptureObjectDefinition
Period = tuple[datetime | None, datetime | None]
REGISTERS = {3, 4, 5}
"""Classes whose value (attribute 2) is scaled by scaler_unit (attribute 3)."""
PROFILE = 7
CLOCK = CaptureObjectDefinition(8, ObisCode(0, 0, 1, 0, 0), 2)
FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2099, 12, 31, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows for people, CSV or JSON."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]


class MeterView:
    """A meter's objects as its object list names them."""

    def __init__(self, client: DlmsClient, objects: Sequence[ObjectListElement]) -> None:
        self._client = client
        self._objects = {element.logical_name: element for element in objects}

    def objects(self) -> Table:
        """The object list."""
        rows = tuple(
            (str(name), describe(one.class_id, one.version).name, one.class_id, one.version, obis_name(name))
            for name, one in self._objects.items()
        )
        return Table("Objects", ("Logical name", "Interface class", "Class id", "Version", "Meaning"), rows)

    async def read(self, logical_name: ObisCode, period: Period, last: int | None) -> Table:
        """An object's attributes, or the entries of a profile."""
        element = self._objects.get(logical_name)
        if element is None:
            raise SettingError(f"the meter has no object {logical_name}; run without a code to list its objects")
        title = f"{logical_name} {obis_name(logical_name)}".rstrip()
        if element.class_id == PROFILE:
            return await self._profile(title, logical_name, period, last)
        return await self._attributes(title, element)

    async def _attributes(self, title: str, element: ObjectListElement) -> Table:
        known = describe(element.class_id, element.version)
        numbers = sorted(item.attribute_id for item in element.access_rights.attribute_access) or [2]
        descriptors = [CosemAttributeDescriptor(element.class_id, element.logical_name, n) for n in numbers]
        values = {descriptor.attribute_id: await self._value(descriptor) for descriptor in descriptors}
        unit = _unit(values.get(3)) if element.class_id in REGISTERS else None
        rows = tuple(
            (number, known.attribute_name(number), _cell(value, unit if number == 2 else None, show_unit=True))
            for number, value in values.items()
        )
        return Table(f"{title} ({known.name})", ("Attribute", "Name", "Value"), rows)

    async def _value(self, descriptor: CosemAttributeDescriptor) -> Data | str:
        try:
            return decode_data(await self._client.get_raw(descriptor))
        except (ServiceError, DecodeError) as error:
            return str(error)

    async def _profile(self, title: str, name: ObisCode, period: Period, last: int | None) -> Table:
        columns = await self._client.get(ProfileGeneric.capture_objects, name)
        selection = await self._selection(name, columns, period, last)
        descriptor = CosemAttributeDescriptor(PROFILE, name, ProfileGeneric.buffer.attribute_id)
        raw = await self._client.get_raw(descriptor, None if selection is None else access_of(selection))
        units = await self._units(columns)
        heads = tuple(_head(column, units.get(column)) for column in columns)
        entries = ProfileGeneric.buffer.cosem_type.from_data(decode_data(raw))
        scales = [units.get(column) for column in columns]
        rows = tuple(tuple(map(_cell, entry, scales)) for entry in entries)
        return Table(title, heads, rows)

    async def _selection(
        self, name: ObisCode, columns: Sequence[CaptureObjectDefinition], period: Period, last: int | None
    ) -> RangeDescriptor | EntryDescriptor | None:
        if last is not None:
            used = await self._client.get(ProfileGeneric.entries_in_use, name)
            return EntryDescriptor(max(1, used - last + 1), 0)
        if period == (None, None):
            return None
        clock = next((column for column in columns if column.class_id == CLOCK.class_id), CLOCK)
        low, high = (_bound(moment, other) for moment, other in zip(period, (FIRST, LAST), strict=True))
        return RangeDescriptor(clock, low, high)

    async def _units(
        self, columns: Sequence[CaptureObjectDefinition]
    ) -> Mapping[CaptureObjectDefinition, ScalUnitType]:
        scaled = [column for column in columns if column.class_id in REGISTERS and column.attribute_index == 2]
        if not scaled:
            return {}
        descriptors = [CosemAttributeDescriptor(column.class_id, column.logical_name, 3) for column in scaled]
        answers = await self._client.get_list(descriptors)
        return {
            column: SCAL_UNIT_TYPE.from_data(decode_data(answer))
            for column, answer in zip(scaled, answers, strict=True)
            if not isinstance(answer, DataAccessResult)
        }


def _unit(data: Data | str | None) -> ScalUnitType | None:
    try:
        return SCAL_UNIT_TYPE.from_data(data) if isinstance(data, Data) else None
    except DecodeError:
        return None


def _head(column: CaptureObjectDefinition, unit: ScalUnitType | None) -> str:
    name = obis_name(column.logical_name) or str(column.logical_name)
    return f"{name} [{unit.unit.symbol}]" if unit is not None and unit.unit.symbol else name


def _cell(value: Data | str, unit: ScalUnitType | None, *, show_unit: bool = False) -> object:
    """A number in its unit, a time in ISO 8601 where it has its place, anything else in words."""
    if isinstance(value, str):
        return value
    if unit is not None and isinstance(value.value, int):
        quantity = unit.quantity(value.value)
        return str(quantity) if show_unit else f"{quantity.value:f}"
    moment = date_time_of(value)
    if moment is not None:
        utc = moment.to_utc()
        return str(moment) if utc is None else utc.isoformat()
    return value.value if isinstance(value.value, int) and not show_unit else _words(value)


def _words(value: Data) -> str:
    if value.type in {DataType.ARRAY, DataType.STRUCTURE}:
        return "[" + ", ".join(map(_words, value.value)) + "]"
    return meaning(value)


def _bound(moment: datetime | None, other: datetime) -> Data:
    return octet_string(bytes(CosemDateTime.from_utc((moment or other).timestamp())))
