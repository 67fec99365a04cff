"""Taking a meter's record: its object list and every value that it lets this client read, secrets left out."""

from __future__ import annotations

from pathlib import Path

from openami.io.links.dlms import DlmsClient
from openami.model.errors import SettingError
from openami.model.obis import ObisCode
from openami.protocols.dlms.access_result import DataAccessResult
from openami.protocols.dlms.companion.meter_record import OBJECT_LIST, SECRETS, Answer, MeterRecord, model_of
from openami.protocols.dlms.cosem.object_model import ModelObject
from openami.protocols.dlms.cosem.profile_generic import ProfileGeneric
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor, SelectiveAccess
from openami.protocols.dlms.errors import DataAccessError
from openami.protocols.dlms.selective_access import EntryDescriptor, access_of

PROFILE, BUFFER = 7, 2


async def take_record(client: DlmsClient, client_sap: int, server_sap: int, last: int | None) -> MeterRecord:
    """Read all that the meter shows; of profiles the last `last` entries, or all."""
    object_list = await client.get_raw(OBJECT_LIST)
    answers: dict[CosemAttributeDescriptor, Answer] = {}
    for one in model_of(object_list):
        for attribute in one.readable():
            descriptor = one.descriptor(attribute.number)
            if descriptor != OBJECT_LIST and (one.class_id, attribute.number) not in SECRETS:
                answers[descriptor] = await _answer(client, one, descriptor, last)
    return MeterRecord(client_sap, server_sap, object_list, answers)


async def _answer(
    client: DlmsClient, one: ModelObject, descriptor: CosemAttributeDescriptor, last: int | None
) -> Answer:
    try:
        selection = None
        if last is not None and (one.class_id, descriptor.attribute_id) == (PROFILE, BUFFER):
            selection = await last_entries(client, one.logical_name, last)
        return await client.get_raw(descriptor, selection)
    except DataAccessError as error:
        known = error.result in DataAccessResult._value2member_map_
        return DataAccessResult(error.result) if known else DataAccessResult.OTHER_REASON


async def last_entries(client: DlmsClient, profile: ObisCode, count: int) -> SelectiveAccess:
    """What selects the newest `count` entries of a profile."""
    used = await client.get(ProfileGeneric.entries_in_use, profile)
    return access_of(EntryDescriptor(max(1, used - count + 1), 0))


def write_record(record: MeterRecord, file: Path) -> None:
    """Write the record; only its owner may read it, since it holds what a household consumed."""
    file.touch(mode=0o600)
    file.write_text(record.to_json(), encoding="utf-8")


def read_record(file: Path) -> MeterRecord:
    """Read a record; raise `SettingError` that names the file."""
    try:
        return MeterRecord.from_json(file.read_text(encoding="utf-8"))
    except (SettingError, UnicodeDecodeError) as error:
        raise SettingError(f"{file}: {error}") from error
