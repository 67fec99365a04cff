"""The closed list of critical verbs, as data: which attributes and methods of which COSEM classes they are.

A verb that is not on the list cannot be put into an envelope, and a meter of the two-seal class refuses what is on
the list outside of one. Class, attribute and method numbers are those of `openami.protocols.dlms.cosem`.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple

from openami.model.errors import SecurityError
from openami.model.obis import ObisCode
from openami.protocols.dlms.action import ActionRequestNormal
from openami.protocols.dlms.apdu import decode_apdu
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor, CosemMethodDescriptor
from openami.protocols.dlms.set import SetRequestNormal


class CriticalVerb(IntEnum):
    """What a command does. `DETOUR` reaches one of the others by a script or a schedule: nobody may use it at all."""

    DETOUR = 0
    DISCONNECT = 1
    RECONNECT = 2
    LOAD_LIMIT = 3
    TARIFF = 4
    KEY_CHANGE = 5
    FIRMWARE_ACTIVATION = 6
    CLOCK_JUMP = 7
    SECURITY_POLICY = 8

    @property
    def text(self) -> str:
        """The verb as people say it."""
        return self.name.replace("_", " ").lower()


SWITCHING: Final = frozenset({CriticalVerb.DISCONNECT, CriticalVerb.RECONNECT, CriticalVerb.LOAD_LIMIT})
"""Verbs that change the power that the grid delivers."""


class Member(NamedTuple):
    """Attributes (when set) and methods (when invoked) of a class that are `verb`; of one object, or of every one."""

    verb: CriticalVerb
    class_id: int
    attributes: frozenset[int] = frozenset()
    methods: frozenset[int] = frozenset()
    instance: ObisCode | None = None


def _some(*numbers: int) -> frozenset[int]:
    return frozenset(numbers)


_TARIFF_SCRIPTS: Final = ObisCode(0, 0, 10, 0, 100)
_DISCONNECT_SCRIPTS: Final = ObisCode(0, 0, 10, 0, 106)
_IMAGE_SCRIPTS: Final = ObisCode(0, 0, 10, 0, 107)
_DISCONNECT_SCHEDULE: Final = ObisCode(0, 0, 15, 0, 1)
_IMAGE_SCHEDULE: Final = ObisCode(0, 0, 15, 0, 2)

CLOSED_LIST: Final = (
    Member(CriticalVerb.DISCONNECT, 70, methods=_some(1)),
    Member(CriticalVerb.DISCONNECT, 70, attributes=_some(4)),
    Member(CriticalVerb.RECONNECT, 70, methods=_some(2)),
    Member(CriticalVerb.LOAD_LIMIT, 71, attributes=_some(2, 3, 4, 5, 6, 7, 8, 9, 11)),
    Member(CriticalVerb.LOAD_LIMIT, 21, attributes=_some(2, 3, 4)),
    Member(CriticalVerb.TARIFF, 20, attributes=_some(2, 3, 4, 5, 6, 7, 8, 9, 10), methods=_some(1)),
    Member(CriticalVerb.TARIFF, 11, attributes=_some(2), methods=_some(1, 2)),
    Member(CriticalVerb.TARIFF, 6, attributes=_some(2, 3, 4), methods=_some(1, 2, 3)),
    Member(CriticalVerb.TARIFF, 9, methods=_some(1), instance=_TARIFF_SCRIPTS),
    Member(CriticalVerb.KEY_CHANGE, 64, attributes=_some(4, 5, 6), methods=_some(2, 3, 4, 5, 6, 8)),
    Member(CriticalVerb.KEY_CHANGE, 15, attributes=_some(7), methods=_some(2)),
    Member(CriticalVerb.FIRMWARE_ACTIVATION, 18, methods=_some(4)),
    Member(CriticalVerb.CLOCK_JUMP, 8, attributes=_some(2, 3, 5, 6, 7, 8, 9), methods=_some(1, 2, 3, 4, 5, 6)),
    Member(CriticalVerb.SECURITY_POLICY, 64, attributes=_some(2, 3), methods=_some(1)),
    Member(CriticalVerb.SECURITY_POLICY, 15, attributes=_some(2, 3, 4, 5, 6, 8, 9), methods=_some(3, 4, 5, 6)),
    Member(CriticalVerb.DETOUR, 9, attributes=_some(2)),
    Member(CriticalVerb.DETOUR, 9, methods=_some(1), instance=_DISCONNECT_SCRIPTS),
    Member(CriticalVerb.DETOUR, 9, methods=_some(1), instance=_IMAGE_SCRIPTS),
    Member(CriticalVerb.DETOUR, 22, attributes=_some(2)),
    Member(CriticalVerb.DETOUR, 22, attributes=_some(4), instance=_DISCONNECT_SCHEDULE),
    Member(CriticalVerb.DETOUR, 22, attributes=_some(4), instance=_IMAGE_SCHEDULE),
    Member(CriticalVerb.DETOUR, 10, attributes=_some(2), methods=_some(1, 2, 3)),
    Member(CriticalVerb.DETOUR, 65, attributes=_some(2, 3, 4)),
    Member(CriticalVerb.DETOUR, 68, attributes=_some(2, 3, 4), methods=_some(1, 2)),
)

_SETS: Final = {(m.class_id, number, m.instance): m.verb for m in CLOSED_LIST for number in m.attributes}
_ACTIONS: Final = {(m.class_id, number, m.instance): m.verb for m in CLOSED_LIST for number in m.methods}


def verb_of_set(descriptor: CosemAttributeDescriptor) -> CriticalVerb | None:
    """What it is to set this attribute; `None` if it is not critical."""
    key = descriptor.class_id, descriptor.attribute_id
    return _SETS.get((*key, descriptor.instance_id), _SETS.get((*key, None)))


def verb_of_action(descriptor: CosemMethodDescriptor) -> CriticalVerb | None:
    """What it is to invoke this method; `None` if it is not critical."""
    key = descriptor.class_id, descriptor.method_id
    return _ACTIONS.get((*key, descriptor.instance_id), _ACTIONS.get((*key, None)))


Request = SetRequestNormal | ActionRequestNormal


def request_of(apdu: bytes) -> Request:
    """The one SET or ACTION of one attribute or method in `apdu`; raises `SecurityError` or `DecodeError`."""
    request = decode_apdu(apdu)
    if not isinstance(request, SetRequestNormal | ActionRequestNormal):
        raise SecurityError(f"an envelope holds one SET or ACTION, not {type(request).__name__}: refused")
    return request


def verb_of(request: Request) -> CriticalVerb:
    """The critical verb of `request`; raises `SecurityError` for what is not on the closed list."""
    if isinstance(request, ActionRequestNormal):
        verb = verb_of_action(request.cosem_method_descriptor)
    else:
        verb = None if request.access_selection else verb_of_set(request.cosem_attribute_descriptor)
    if not verb:
        raise SecurityError("the command is not on the closed list of critical verbs: refused")
    return verb
