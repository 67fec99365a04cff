"""What SML messages say, in the project's one vocabulary: OBIS code, quantity, time, status."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from openami.model.measurement import Measurement
from openami.model.obis import ObisCode
from openami.model.quantity import Quantity
from openami.model.unit import Unit
from openami.protocols.sml.element import Element, Integer, Unsigned
from openami.protocols.sml.file import Message
from openami.protocols.sml.messages import GetListResponse, GetProfileListResponse, GetProfilePackResponse
from openami.protocols.sml.quirks import BARE_TIME, UNSIGNED_TAGGED_SIGNED, corrected
from openami.protocols.sml.types import BARE_SEC_INDEX, LOCAL_TIMESTAMP, SEC_INDEX, ListEntry, SmlTime

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS: Final = {int(unit): unit for unit in Unit}
_QUIRKY_MAKERS: Final = frozenset(quirk.manufacturer for quirk in UNSIGNED_TAGGED_SIGNED)


def measurements(messages: Iterable[Message]) -> list[Measurement]:
    """Every value in the messages, in their order. Messages without values say nothing."""
    found: list[Measurement] = []
    for message in messages:
        teller = _TELLERS.get(type(message.body))
        if teller is not None:
            found += teller(message.body)
    return found


def moment(time: SmlTime | None) -> datetime | int | None:
    """UTC, or the seconds that the meter counts for itself."""
    if time is None:
        return None
    if time.choice in {SEC_INDEX, BARE_SEC_INDEX}:
        return int(time.seconds)
    return _EPOCH + timedelta(seconds=time.seconds)


def local_offset_min(time: SmlTime) -> int | None:
    """Minutes from UTC to the meter's local time, where it told them."""
    return time.local_offset_min + time.season_offset_min if time.choice == LOCAL_TIMESTAMP else None


def _list(body: GetListResponse) -> list[Measurement]:
    default = moment(body.act_sensor_time)
    if body.server_id[2:5] in _QUIRKY_MAKERS:
        return [_entry(_repaired(entry, body.server_id), default) for entry in body.val_list]
    return [_entry((entry, ""), default) for entry in body.val_list]


def _repaired(entry: ListEntry, server_id: bytes) -> tuple[ListEntry, str]:
    value, remark = corrected(server_id, entry.obj_name, entry.value)
    if not remark:
        return entry, ""
    kept = (entry.obj_name, entry.status, entry.val_time, entry.unit, entry.scaler)
    return ListEntry(*kept, value, entry.value_signature), remark


def _entry(repaired: tuple[ListEntry, str], default: datetime | int | None) -> Measurement:
    entry, remark = repaired
    time = default
    if entry.val_time is not None:
        time = moment(entry.val_time)
        if entry.val_time.choice == BARE_SEC_INDEX and not remark:
            remark = BARE_TIME
    status = None if entry.status is None else int(entry.status)
    value = _value(entry.value, entry.unit, entry.scaler)
    return Measurement(_name(entry.obj_name), value, time, status=status, remark=remark)


def _profile_list(body: GetProfileListResponse) -> list[Measurement]:
    at, status = moment(body.val_time), int(body.status)
    return [
        Measurement(_name(each.obj_name), _value(each.value, each.unit, each.scaler), at, status=status)
        for each in body.period_list
    ]


def _profile_pack(body: GetProfilePackResponse) -> list[Measurement]:
    return [
        Measurement(
            _name(column.obj_name),
            _value(cell.value, column.unit, column.scaler),
            moment(row.val_time),
            status=int(row.status),
        )
        for row in body.period_list
        for column, cell in zip(body.header_list, row.value_list, strict=False)
    ]


def _name(obj_name: bytes) -> ObisCode | str:
    return ObisCode.from_bytes(obj_name) if len(obj_name) == 6 else obj_name.hex()


def _value(value: Element, unit: int | None, scaler: int | None) -> Quantity | str | bytes | bool | None:
    if isinstance(value, Unsigned | Integer):
        known = Unit.COUNT if unit is None else _UNITS.get(unit, Unit.OTHER)
        return Quantity(int(value), int(scaler or 0), known)
    if isinstance(value, list):
        return repr(value)
    return value


_TELLERS: Final[dict[type[Any], Callable[[Any], list[Measurement]]]] = {
    GetListResponse: _list,
    GetProfileListResponse: _profile_list,
    GetProfilePackResponse: _profile_pack,
}
