"""A logical device that answers from a record: what the real meter showed, to a client with the same rights.

Values can be set where the rights allow it, and profiles are read by range and by entry. The clock goes on. What
would need the real device is refused: no method does anything.
"""

from __future__ import annotations

from dataclasses import replace

from openami.model.errors import DecodeError
from openami.model.obis import ObisCode
from openami.protocols.dlms.access_result import ActionResult, DataAccessResult
from openami.protocols.dlms.association import Association
from openami.protocols.dlms.companion.meter_record import OBJECT_LIST, Answer, MeterRecord
from openami.protocols.dlms.cosem.association_ln import AccessBits
from openami.protocols.dlms.cosem.logical_device import selection_asked
from openami.protocols.dlms.cosem.object_model import ModelAttribute, ModelObject
from openami.protocols.dlms.cosem.profile_buffer import RowBuffer
from openami.protocols.dlms.cosem.profile_generic import ProfileGeneric
from openami.protocols.dlms.cosem.refusal import Refused
from openami.protocols.dlms.cosem.types import DATE_TIME_OCTETS
from openami.protocols.dlms.data import Data, DataType, decode_data, double_long_unsigned, encode_data
from openami.protocols.dlms.date_time import CosemDateTime
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor, CosemMethodDescriptor, SelectiveAccess

PROFILE, CLOCK = 7, 8
BUFFER, CAPTURE_OBJECTS, ENTRIES_IN_USE, TIME = 2, 3, 7, 2
LOGICAL_NAME = 1


class RecordedDevice:
    """Answers GET, SET and ACTION (see `openami.protocols.dlms.server_settings.LogicalDevice`).

    With several records each client has the objects and rights of its own; the values are those of the device.
    """

    def __init__(self, *records: MeterRecord) -> None:
        self._models = {record.client_sap: record.model() for record in records}
        self._lists = {record.client_sap: record.object_list for record in records}
        self._answers: dict[CosemAttributeDescriptor, Answer] = {}
        for record in records:
            given = {key: answer for key, answer in record.answers.items() if isinstance(answer, bytes)}
            self._answers = {**record.answers, **self._answers, **given}

    def get(
        self,
        association: Association,
        descriptor: CosemAttributeDescriptor,
        selection: SelectiveAccess | None,
        now: float,
    ) -> bytes | DataAccessResult:
        """The octets that were recorded; `now` moves the clock."""
        try:
            self._may(association, descriptor, AccessBits.READ)
            if descriptor == OBJECT_LIST:
                return self._lists[association.client_sap]
            raw = self._recorded(descriptor)
            if selection is not None:
                return self._selected(descriptor, raw, selection, now)
        except Refused as refused:
            return refused.result
        return _moved(raw, now) if (descriptor.class_id, descriptor.attribute_id) == (CLOCK, TIME) else raw

    def set(
        self,
        association: Association,
        descriptor: CosemAttributeDescriptor,
        selection: SelectiveAccess | None,
        value: bytes,
        _now: float,
    ) -> DataAccessResult:
        """Keep `value` in place of what was recorded, if it is of the same type."""
        try:
            self._may(association, descriptor, AccessBits.WRITE)
        except Refused as refused:
            return refused.result
        held = self._answers.get(descriptor)
        if selection is not None:
            return DataAccessResult.SCOPE_OF_ACCESS_VIOLATED
        if isinstance(held, bytes) and held[:1] != value[:1]:
            return DataAccessResult.TYPE_UNMATCHED
        self._answers[descriptor] = value
        return DataAccessResult.SUCCESS

    def action(
        self, association: Association, descriptor: CosemMethodDescriptor, _argument: bytes | None, _now: float
    ) -> tuple[ActionResult, bytes | None]:
        """Refused: read-write-denied where the rights forbid it, other-reason where only the real meter could act."""
        try:
            found = self._object(association, descriptor.class_id, descriptor.instance_id)
        except Refused as refused:
            return ActionResult(refused.result), None
        method = next((one for one in found.methods if one.number == descriptor.method_id), None)
        if method is None:
            return ActionResult.OBJECT_UNDEFINED, None
        allowed = AccessBits.READ in method.access
        return (ActionResult.OTHER_REASON if allowed else ActionResult.READ_WRITE_DENIED), None

    def _object(self, association: Association, class_id: int, name: ObisCode) -> ModelObject:
        found = self._models[association.client_sap].get(name)
        if found is None:
            raise Refused(DataAccessResult.OBJECT_UNDEFINED)
        if found.class_id != class_id:
            raise Refused(DataAccessResult.OBJECT_CLASS_INCONSISTENT)
        return found

    def _may(
        self, association: Association, descriptor: CosemAttributeDescriptor, wanted: AccessBits
    ) -> ModelAttribute:
        found = self._object(association, descriptor.class_id, descriptor.instance_id)
        attribute = next((one for one in found.attributes if one.number == descriptor.attribute_id), None)
        if attribute is None:
            raise Refused(DataAccessResult.OBJECT_UNDEFINED)
        if wanted not in attribute.access:
            raise Refused(DataAccessResult.READ_WRITE_DENIED)
        return attribute

    def _recorded(self, descriptor: CosemAttributeDescriptor) -> bytes:
        answer = self._answers.get(descriptor, DataAccessResult.OBJECT_UNAVAILABLE)
        if descriptor.attribute_id == LOGICAL_NAME and not isinstance(answer, bytes):
            return encode_data(Data(DataType.OCTET_STRING, bytes(descriptor.instance_id)))
        if not isinstance(answer, bytes):
            raise Refused(answer)
        if (descriptor.class_id, descriptor.attribute_id) == (PROFILE, ENTRIES_IN_USE):
            return self._entries(descriptor.instance_id, answer)
        return answer

    def _entries(self, name: ObisCode, recorded: bytes) -> bytes:
        """How many entries there are here: a record may hold the last ones only."""
        buffer = self._answers.get(CosemAttributeDescriptor(PROFILE, name, BUFFER))
        if not isinstance(buffer, bytes):
            return recorded
        try:
            rows = ProfileGeneric.buffer.cosem_type.from_data(decode_data(buffer))
        except DecodeError:
            return recorded
        return encode_data(double_long_unsigned(len(rows)))

    def _selected(
        self, descriptor: CosemAttributeDescriptor, raw: bytes, selection: SelectiveAccess, now: float
    ) -> bytes:
        if (descriptor.class_id, descriptor.attribute_id) != (PROFILE, BUFFER):
            raise Refused(DataAccessResult.SCOPE_OF_ACCESS_VIOLATED)
        columns = self._recorded(CosemAttributeDescriptor(descriptor.class_id, descriptor.instance_id, CAPTURE_OBJECTS))
        try:
            rows = ProfileGeneric.buffer.cosem_type.from_data(decode_data(raw))
            captured = ProfileGeneric.capture_objects.cosem_type.from_data(decode_data(columns))
        except DecodeError:
            raise Refused(DataAccessResult.SCOPE_OF_ACCESS_VIOLATED) from None
        buffer = RowBuffer(max(1, len(rows)))
        for row in rows:
            buffer.append(row)
        profile = ProfileGeneric(descriptor.instance_id, buffer, capture_objects=captured)
        return profile.read(BUFFER, selection_asked(selection), now)


def _moved(raw: bytes, now: float) -> bytes:
    """The time at `now`, with the deviation and in the type that the meter's own had."""
    value = decode_data(raw)
    try:
        recorded = DATE_TIME_OCTETS.from_data(value)
    except DecodeError:
        return raw
    moved = CosemDateTime.from_utc(now, recorded.deviation or 0, recorded.clock_status)
    moved = replace(moved, deviation=recorded.deviation)
    return encode_data(Data(value.type, moved if value.type is DataType.DATE_TIME else bytes(moved)))
