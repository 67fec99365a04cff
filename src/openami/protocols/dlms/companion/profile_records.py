"""What a meter would show each client if it were as a companion profile says."""

from __future__ import annotations

from collections.abc import Iterator

from openami.protocols.dlms.companion.meter_record import OBJECT_LIST, Answer, MeterRecord
from openami.protocols.dlms.companion.profile import CompanionProfile, ProfileObject
from openami.protocols.dlms.cosem.association_ln import (
    AccessRight,
    AssociationLN,
    AttributeAccessItem,
    AttributeAccessMode,
    MethodAccessItem,
    MethodAccessMode,
    ObjectListElement,
)
from openami.protocols.dlms.data import encode_data
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor

_MODES = {
    "-": AttributeAccessMode.NO_ACCESS,
    "r": AttributeAccessMode.READ_ONLY,
    "w": AttributeAccessMode.WRITE_ONLY,
    "rw": AttributeAccessMode.READ_AND_WRITE,
}
_METHOD_MODES = {"-": MethodAccessMode.NO_ACCESS, "x": MethodAccessMode.ACCESS}
SERVER_SAP = 1


def records_of(profile: CompanionProfile) -> Iterator[MeterRecord]:
    """A record for each client: objects with the rights that the profile asks for, and the values that it gives.

    Optional objects are there if they have a value. An attribute without one is listed and not available. Of several
    versions the first stands.
    """
    for client_sap in profile.clients:
        seen = [one for one in profile.objects if one.seen_by(client_sap) and (one.values or not one.optional)]
        elements = tuple(_element(one, client_sap) for one in seen)
        answers: dict[CosemAttributeDescriptor, Answer] = {
            CosemAttributeDescriptor(one.class_id, one.logical_name, number): value
            for one in seen
            for number, value in one.values.items()
        }
        answers.pop(OBJECT_LIST, None)
        raw = encode_data(AssociationLN.object_list.cosem_type.to_data(elements))
        yield MeterRecord(client_sap, SERVER_SAP, raw, answers)


def _element(one: ProfileObject, client_sap: int) -> ObjectListElement:
    rights = one.rights_of(client_sap)
    wanted = {1: "r", **dict.fromkeys(one.values, "r"), **rights.attributes}
    attributes = tuple(
        AttributeAccessItem(number, _MODES[right.removesuffix("+")]) for number, right in sorted(wanted.items())
    )
    methods = tuple(
        MethodAccessItem(number, _METHOD_MODES[right.removesuffix("+")])
        for number, right in sorted(rights.methods.items())
    )
    version = one.versions[0] if one.versions else 0
    return ObjectListElement(one.class_id, version, one.logical_name, AccessRight(attributes, methods))
