"""The APDUs of the switchings that the console asks for."""

from __future__ import annotations

from typing import Final

from openami.model.errors import SettingError
from openami.model.obis import ObisCode
from openami.protocols.dlms.action import ActionRequestNormal
from openami.protocols.dlms.apdu import encode_apdu
from openami.protocols.dlms.data import encode_data, integer
from openami.protocols.dlms.descriptor import CosemMethodDescriptor
from openami.protocols.seal.verbs import CriticalVerb

METHODS: Final = {CriticalVerb.DISCONNECT: 1, CriticalVerb.RECONNECT: 2}
_CONTACT: Final = ObisCode(0, 0, 96, 3, 10)


def switching(verb: CriticalVerb) -> bytes:
    """The APDU that opens or closes the contact of a meter; raises `SettingError` for another verb."""
    if verb not in METHODS:
        raise SettingError(f"{verb.text} is not among what the console asks for")
    method = CosemMethodDescriptor(70, _CONTACT, METHODS[verb])
    return encode_apdu(ActionRequestNormal(0xC1, method, encode_data(integer(0))))
