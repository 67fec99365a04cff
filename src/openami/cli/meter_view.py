"""What a meter holds, read object by object and put into tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from openami.cli.cells import cell, plain_name, plain_value, words
from openami.cli.recording import last_entries
from openami.io.links.dlms import DlmsClient
from openami.model.errors import DecodeError, ServiceError, SettingError
from openami.model.obis import ObisCode
from openami.protocols.dlms.access_result import DataAccessResult
from openami.protocols.dlms.cosem.object_model import ModelObject, ObjectModel
from openami.protocols.dlms.cosem.profile_generic import ProfileGeneric
from openami.protocols.dlms.cosem.register import SCAL_UNIT_TYPE, ScalUnitType
from openami.protocols.dlms.data import Data, decode_data, octet_string
from openami.protocols.dlms.date_time import CosemDateTime
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor, SelectiveAccess
from openami.protocols.dlms.obis_names import obis_name
from openami.protocols.dlms.selective_access import (
    CaptureObjectDefinition,
    RangeDescriptor,
    access_of,
)

Period = tuple[datetime | None, datetime | None]
REGISTERS = {3, 4, 5}
"""Classes whose value (attribute 2) is scaled by scaler_unit (attribute 3)."""
PROFILE = 7
CLOCK = CaptureObjectDefinition(8, ObisCode(0, 0, 1, 0, 0), 2)
FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2099, 12, 31, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows for people and CSV; `objects` say the same to programs, one a line."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    objects: tuple[dict[str, Any], ...]


class MeterView:
    """A meter's objects as its object list names them."""

    def __init__(self, client: DlmsClient, model: ObjectModel, client_sap: int) -> None:
        self._client = client
        self._model = model
        self._client_sap = client_sap

    def objects(self) -> Table:
        """The object list."""
        columns = ("Logical name", "Interface class", "Class id", "Version", "Meaning")
        keys = [column.lower().replace(" ", "_") for column in columns]
        rows = tuple(
            (str(one.logical_name), one.class_name, one.class_id, one.version, one.name) for one in self._model
        )
        return Table("Objects", columns, rows, tuple(dict(zip(keys, row, strict=True)) for row in rows))

    async def read(self, logical_name: ObisCode, period: Period, last: int | None) -> Table:
        """An object's attributes, or the entries of a profile."""
        found = self._model.get(logical_name)
        if found is None:
            raise SettingError(
                f"the meter shows client {self._client_sap} no object {logical_name}; "
                "run without a code to list what it shows, or ask as another --client"
            )
        title = f"{logical_name} {found.name}".rstrip()
        if found.class_id == PROFILE:
            return await self._profile(title, logical_name, period, last)
        return await self._attributes(title, found)

    async def _attributes(self, title: str, found: ModelObject) -> Table:
        attributes = {one.number: one for one in sorted(found.attributes, key=lambda one: one.number)}
        values = {number: await self._value(found.descriptor(number)) for number in attributes}
        scale = _unit(values.get(3)) if found.class_id in REGISTERS else None
        rows, objects = [], []
        for number, value in values.items():
            unit = scale if number == 2 else None
            symbol = unit.unit.symbol if unit else ""
            name = attributes[number].name
            rows.append((number, name, value if isinstance(value, str) else _shown(value, unit), symbol))
            objects.append(
                {"logical_name": str(found.logical_name), "class_id": found.class_id, "attribute": number}
                | {"name": name}
                | _said(number, value, unit)
                | ({"unit": symbol} if symbol else {})
            )
        columns = ("Attribute", "Name", "Value", "Unit")
        return Table(f"{title} ({found.class_name})", columns, tuple(rows), tuple(objects))

    async def _value(self, descriptor: CosemAttributeDescriptor) -> Data | str:
        try:
            return decode_data(await self._client.get_raw(descriptor))
        except (ServiceError, DecodeError) as error:
            return str(error)

    async def _profile(self, title: str, name: ObisCode, period: Period, last: int | None) -> Table:
        columns = await self._client.get(ProfileGeneric.capture_objects, name)
        selection = await self._selection(name, columns, period, last)
        descriptor = CosemAttributeDescriptor(PROFILE, name, ProfileGeneric.buffer.attribute_id)
        raw = await self._client.get_raw(descriptor, selection)
        units = await self._units(columns)
        entries = ProfileGeneric.buffer.cosem_type.from_data(decode_data(raw))
        scales = [units.get(column) for column in columns]
        rows = tuple(tuple(map(cell, entry, scales)) for entry in entries)
        keys = _keys(columns)
        symbols = {key: scale.unit.symbol for key, scale in zip(keys, scales, strict=True) if scale is not None}
        objects = tuple(
            {
                "profile": str(name),
                "values": dict(zip(keys, map(plain_value, entry, scales), strict=False)),
                "units": symbols,
            }
            for entry in entries
        )
        heads = tuple(_head(column, units.get(column)) for column in columns)
        return Table(title, heads, rows, objects)

    async def _selection(
        self, name: ObisCode, columns: Sequence[CaptureObjectDefinition], period: Period, last: int | None
    ) -> SelectiveAccess | None:
        if last is not None:
            return await last_entries(self._client, name, last)
        if period == (None, None):
            return None
        clock = next((column for column in columns if column.class_id == CLOCK.class_id), CLOCK)
        low, high = (_bound(moment, other) for moment, other in zip(period, (FIRST, LAST), strict=True))
        return access_of(RangeDescriptor(clock, low, high))

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


def _keys(columns: Sequence[CaptureObjectDefinition]) -> list[str]:
    """One key a column: its OBIS code, with `/attribute` if that is not the value, numbered if it comes again."""
    keys: list[str] = []
    for column in columns:
        attribute = "" if column.attribute_index == 2 else f"/{column.attribute_index}"
        key = f"{column.logical_name}{attribute}"
        again = sum(other.partition(" ")[0] == key for other in keys)
        keys.append(f"{key} {again + 1}" if again else key)
    return keys


def _shown(value: Data, unit: ScalUnitType | None) -> object:
    return words(value) if unit is None else cell(value, unit)


def _said(number: int, value: Data | str, unit: ScalUnitType | None) -> dict[str, Any]:
    if isinstance(value, str):
        return {"error": value}
    return {"type": value.type.text, "value": plain_name(value) if number == 1 else plain_value(value, unit)}


def _bound(moment: datetime | None, other: datetime) -> Data:
    return octet_string(bytes(CosemDateTime.from_utc((moment or other).timestamp())))
