"""The closed list, member by member, as `docs/reference/seal.md` publishes it: these and no others are critical."""

from __future__ import annotations

import pytest

from openami.model.obis import ObisCode
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor, CosemMethodDescriptor
from openami.protocols.seal.roles import Role
from openami.protocols.seal.verbs import CriticalVerb, verb_of_action, verb_of_set

ANY = ObisCode(0, 0, 96, 1, 0)
TARIFFS, DISCONNECTS, IMAGES = (ObisCode(0, 0, 10, 0, number) for number in (100, 106, 107))
DISCONNECTING, IMAGING = ObisCode(0, 0, 15, 0, 1), ObisCode(0, 0, 15, 0, 2)
V = CriticalVerb
SETS = {
    70: {4: V.DISCONNECT},
    71: dict.fromkeys((2, 3, 4, 5, 6, 7, 8, 9, 11), V.LOAD_LIMIT),
    21: dict.fromkeys((2, 3, 4), V.LOAD_LIMIT),
    20: dict.fromkeys((2, 3, 4, 5, 6, 7, 8, 9, 10), V.TARIFF),
    11: {2: V.TARIFF},
    6: dict.fromkeys((2, 3, 4), V.TARIFF),
    64: dict.fromkeys((4, 5, 6), V.KEY_CHANGE) | dict.fromkeys((2, 3), V.SECURITY_POLICY),
    15: {7: V.KEY_CHANGE} | dict.fromkeys((2, 3, 4, 5, 6, 8, 9), V.SECURITY_POLICY),
    8: dict.fromkeys((2, 3, 5, 6, 7, 8, 9), V.CLOCK_JUMP),
    9: {2: V.DETOUR},
    22: {2: V.DETOUR},
    10: {2: V.DETOUR},
    65: dict.fromkeys((2, 3, 4), V.DETOUR),
    68: dict.fromkeys((2, 3, 4), V.DETOUR),
}
ACTIONS = {
    70: {1: V.DISCONNECT, 2: V.RECONNECT},
    20: {1: V.TARIFF},
    11: dict.fromkeys((1, 2), V.TARIFF),
    6: dict.fromkeys((1, 2, 3), V.TARIFF),
    64: dict.fromkeys((2, 3, 4, 5, 6, 8), V.KEY_CHANGE) | {1: V.SECURITY_POLICY},
    15: {2: V.KEY_CHANGE} | dict.fromkeys((3, 4, 5, 6), V.SECURITY_POLICY),
    18: {4: V.FIRMWARE_ACTIVATION},
    8: dict.fromkeys((1, 2, 3, 4, 5, 6), V.CLOCK_JUMP),
    10: dict.fromkeys((1, 2, 3), V.DETOUR),
    68: dict.fromkeys((1, 2), V.DETOUR),
}
SPECIAL_SETS = {(22, 4, DISCONNECTING): V.DETOUR, (22, 4, IMAGING): V.DETOUR}
SPECIAL_ACTIONS = {(9, 1, TARIFFS): V.TARIFF, (9, 1, DISCONNECTS): V.DETOUR, (9, 1, IMAGES): V.DETOUR}
NAMES = (ANY, TARIFFS, DISCONNECTS, IMAGES, DISCONNECTING, IMAGING)


@pytest.mark.parametrize("class_id", range(130))
def test_no_member_is_missing_and_none_is_too_many(class_id):
    for name in NAMES:
        for number in range(1, 20):
            set_verb = SPECIAL_SETS.get((class_id, number, name), SETS.get(class_id, {}).get(number))
            assert verb_of_set(CosemAttributeDescriptor(class_id, name, number)) is set_verb
            action_verb = SPECIAL_ACTIONS.get((class_id, number, name), ACTIONS.get(class_id, {}).get(number))
            assert verb_of_action(CosemMethodDescriptor(class_id, name, number)) is action_verb


def test_numbers_are_what_logs_and_approvals_hold():
    """They are written to disks and signed: a number never changes its meaning."""
    assert {verb.name: verb.value for verb in CriticalVerb} == {
        "DETOUR": 0,
        "DISCONNECT": 1,
        "RECONNECT": 2,
        "LOAD_LIMIT": 3,
        "TARIFF": 4,
        "KEY_CHANGE": 5,
        "FIRMWARE_ACTIVATION": 6,
        "CLOCK_JUMP": 7,
        "SECURITY_POLICY": 8,
    }
    assert [role.name for role in sorted(Role)] == [
        "NETWORK_OPERATOR",
        "SUPPLIER",
        "KEY_CUSTODIAN",
        "FIELD_SERVICE",
        "RECOVERY",
    ]
    assert sorted(Role) == [1, 2, 3, 4, 5]
