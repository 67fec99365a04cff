"""Bringing a sealed command to its meter: operations carries it, and could neither read nor change it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from openami.io.links.dlms import DlmsClient
from openami.model.errors import DecodeError
from openami.protocols.dlms.data import decode_data, encode_data, octet_string
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor
from openami.protocols.seal.objects import SEALED_COMMAND

_SEALED: Final = CosemAttributeDescriptor(1, SEALED_COMMAND, 2)
_STAGES: Final = ("nothing", "scheduled", "done", "failed", "refused by its own limits")
_CONTACT: Final = ("disconnected", "connected", "ready for reconnection")
_REPORT_FIELDS: Final = 5


@dataclass(frozen=True, slots=True)
class SealedReport:
    """What a meter says of the last command that it opened, and of its contact as it is now."""

    counter: int
    stage: str
    at: int
    contact: str

    @property
    def words(self) -> str:
        """For people."""
        return f"{self.stage}; the contact is {self.contact}"


async def deliver_sealed(client: DlmsClient, envelope: bytes) -> SealedReport:
    """Hand `envelope` to an associated client's meter; raises `DataAccessError` if it was not opened or not taken."""
    await client.set_raw(_SEALED, encode_data(octet_string(envelope)))
    return await read_report(client)


async def read_report(client: DlmsClient) -> SealedReport:
    """Ask an associated client's meter; raises `DecodeError` for an answer of another form."""
    fields = decode_data(await client.get_raw(_SEALED)).value
    if not isinstance(fields, tuple | list) or len(fields) != _REPORT_FIELDS:
        raise DecodeError("the meter's report of its last sealed command has another form", 0, ("report",))
    counter, _verb, stage, at, contact = (field.value for field in fields)
    try:
        return SealedReport(counter, _STAGES[stage], at, _CONTACT[contact])
    except (IndexError, TypeError):
        raise DecodeError("the meter's report of its last sealed command has another form", 0, ("report",)) from None
