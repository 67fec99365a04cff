from __future__ import annotations

import pytest

from meter_bench import Client
from openami.model.obis import ObisCode
from openami.protocols.dlms.access_result import ActionResult, DataAccessResult
from openami.protocols.dlms.cosem import data as cosem_data
from openami.protocols.dlms.cosem.access_rights import AccessRights
from openami.protocols.dlms.cosem.association_ln import AssociationLN, AttributeAccessMode, MethodAccessMode
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.logical_device import CURRENT_ASSOCIATION, ClientAccess, LogicalDevice
from openami.protocols.dlms.cosem.profile_buffer import RowBuffer
from openami.protocols.dlms.cosem.profile_generic import ProfileGeneric
from openami.protocols.dlms.cosem.refusal import Refused
from openami.protocols.dlms.cosem.register import Register
from openami.protocols.dlms.data import decode_data, encode_data, integer, unsigned
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor, CosemMethodDescriptor, SelectiveAccess
from openami.protocols.dlms.selective_access import CaptureObjectDefinition, EntryDescriptor, access_of

NAME = ObisCode(0, 0, 42, 0, 0)
REGISTER = ObisCode(1, 0, 1, 8, 0)
PROFILE = ObisCode(1, 0, 99, 1, 0)
OTHER = ObisCode(1, 0, 2, 8, 0)
MASTER, GUEST = Client(1), Client(16)


@pytest.fixture
def device() -> LogicalDevice:
    register = Register(REGISTER, value=unsigned(7))
    register.handle(Register.reset, lambda _argument, _now: setattr(register, "value", unsigned(0)))
    profile = ProfileGeneric(PROFILE, RowBuffer(4), capture_objects=(CaptureObjectDefinition(3, REGISTER, 2),))
    profile.rows.append((unsigned(3),))
    master = AccessRights(
        attributes={
            (REGISTER, 2): AttributeAccessMode.READ_AND_WRITE,
            (NAME, 2): AttributeAccessMode.WRITE_ONLY,
        },
        methods={(REGISTER, 1): MethodAccessMode.ACCESS},
    )
    guest = AccessRights(objects=frozenset({NAME}))
    return LogicalDevice(
        [profile, register, cosem_data.Data(NAME, value=unsigned(1))],
        {
            1: ClientAccess(master, AssociationLN(CURRENT_ASSOCIATION)),
            16: ClientAccess(guest, AssociationLN(CURRENT_ASSOCIATION)),
        },
    )


def attribute(class_id: int, name: ObisCode, number: int) -> CosemAttributeDescriptor:
    return CosemAttributeDescriptor(class_id, name, number)


@pytest.mark.parametrize(
    ("client", "descriptor", "answer"),
    [
        (MASTER, attribute(3, REGISTER, 2), bytes.fromhex("1107")),
        (GUEST, attribute(1, NAME, 2), bytes.fromhex("1101")),
        (MASTER, attribute(3, OTHER, 2), DataAccessResult.OBJECT_UNDEFINED),
        (GUEST, attribute(3, REGISTER, 2), DataAccessResult.OBJECT_UNDEFINED),
        (MASTER, attribute(1, REGISTER, 2), DataAccessResult.OBJECT_CLASS_INCONSISTENT),
        (MASTER, attribute(3, REGISTER, 3), DataAccessResult.OBJECT_UNDEFINED),
        (MASTER, attribute(3, REGISTER, -1), DataAccessResult.OBJECT_UNDEFINED),
        (MASTER, attribute(3, REGISTER, 0), DataAccessResult.OBJECT_UNDEFINED),
        (MASTER, attribute(1, NAME, 2), DataAccessResult.READ_WRITE_DENIED),
        (Client(99), attribute(1, NAME, 2), DataAccessResult.READ_WRITE_DENIED),
    ],
)
def test_get(device: LogicalDevice, client: Client, descriptor: CosemAttributeDescriptor, answer: object) -> None:
    assert device.get(client, descriptor, None, 0.0) == answer


@pytest.mark.parametrize(
    ("access", "answer"),
    [
        (access_of(EntryDescriptor(1, 1)), bytes.fromhex("010102011103")),
        (EntryDescriptor(2, 0), bytes.fromhex("0100")),
        (SelectiveAccess(3, b"\x00"), DataAccessResult.SCOPE_OF_ACCESS_VIOLATED),
        (SelectiveAccess(2, b"\x00"), DataAccessResult.TYPE_UNMATCHED),
        (SelectiveAccess(1, b"\x02\x82"), DataAccessResult.TYPE_UNMATCHED),
    ],
)
def test_get_with_selection(device: LogicalDevice, access: SelectiveAccess, answer: object) -> None:
    assert device.get(MASTER, attribute(7, PROFILE, 2), access, 0.0) == answer


@pytest.mark.parametrize(
    ("client", "descriptor", "value", "result"),
    [
        (MASTER, attribute(3, REGISTER, 2), "1109", DataAccessResult.SUCCESS),
        (MASTER, attribute(3, REGISTER, 2), "11", DataAccessResult.TYPE_UNMATCHED),
        (MASTER, attribute(1, NAME, 2), "1105", DataAccessResult.SUCCESS),
        (MASTER, attribute(1, NAME, 1), "1105", DataAccessResult.READ_WRITE_DENIED),
        (GUEST, attribute(1, NAME, 2), "1105", DataAccessResult.READ_WRITE_DENIED),
        (GUEST, attribute(3, REGISTER, 2), "1105", DataAccessResult.OBJECT_UNDEFINED),
        (MASTER, attribute(3, REGISTER, 7), "1105", DataAccessResult.OBJECT_UNDEFINED),
    ],
)
def test_set(
    device: LogicalDevice, client: Client, descriptor: CosemAttributeDescriptor, value: str, result: DataAccessResult
) -> None:
    assert device.set(client, descriptor, None, bytes.fromhex(value), 0.0) is result


def test_a_set_changes_what_is_read_and_takes_no_selection(device: LogicalDevice) -> None:
    where = attribute(3, REGISTER, 2)
    assert device.set(MASTER, where, None, b"\x11\x09", 0.0) is DataAccessResult.SUCCESS
    assert device.get(MASTER, where, None, 0.0) == b"\x11\x09"
    refused = device.set(MASTER, where, access_of(EntryDescriptor(1, 1)), b"\x11\x01", 0.0)
    assert refused is DataAccessResult.SCOPE_OF_ACCESS_VIOLATED
    assert device.get(MASTER, where, None, 0.0) == b"\x11\x09"


def test_action(device: LogicalDevice) -> None:
    zero = encode_data(integer(0))
    ask = device.action
    assert ask(MASTER, CosemMethodDescriptor(3, REGISTER, 9), zero, 0.0) == (ActionResult.OBJECT_UNDEFINED, None)
    assert ask(GUEST, CosemMethodDescriptor(3, REGISTER, 1), zero, 0.0) == (ActionResult.OBJECT_UNDEFINED, None)
    assert ask(MASTER, CosemMethodDescriptor(7, PROFILE, 1), zero, 0.0) == (ActionResult.READ_WRITE_DENIED, None)
    assert ask(MASTER, CosemMethodDescriptor(3, REGISTER, 1), b"\x11", 0.0) == (ActionResult.TYPE_UNMATCHED, None)
    assert device.object(Register, REGISTER).value == unsigned(7)
    assert ask(MASTER, CosemMethodDescriptor(3, REGISTER, 1), zero, 0.0) == (ActionResult.SUCCESS, None)
    assert device.object(Register, REGISTER).value == unsigned(0)


def test_a_method_that_runs_into_a_refused_attribute_says_so(device: LogicalDevice) -> None:
    def refuse(_argument: int, _now: float) -> None:
        raise Refused(DataAccessResult.OTHER_REASON)

    device.object(Register, REGISTER).handle(Register.reset, refuse)
    answer = device.action(MASTER, CosemMethodDescriptor(3, REGISTER, 1), encode_data(integer(0)), 0.0)
    assert answer == (ActionResult.OTHER_REASON, None)


def test_each_client_finds_its_own_objects_and_rights(device: LogicalDevice) -> None:
    def listed(client: Client) -> dict[ObisCode, object]:
        raw = device.get(client, attribute(15, CURRENT_ASSOCIATION, 2), None, 0.0)
        assert isinstance(raw, bytes)
        elements = AssociationLN.object_list.cosem_type.from_data(decode_data(raw))
        return {element.logical_name: element.access_rights for element in elements}

    assert list(listed(GUEST)) == [CURRENT_ASSOCIATION, NAME]
    master = listed(MASTER)
    assert list(master) == [CURRENT_ASSOCIATION, NAME, REGISTER, PROFILE]
    assert [item.access_mode for item in master[REGISTER].attribute_access] == [1, 3]
    assert [item.access_mode for item in master[REGISTER].method_access] == [1]
    selectors = {item.attribute_id: item.access_selectors for item in master[PROFILE].attribute_access}
    assert selectors[2] == (1, 2)
    assert selectors[3] == ()


def test_objects_are_found_by_class_and_name(device: LogicalDevice) -> None:
    assert device.object(InterfaceClass, NAME).class_id == 1
    with pytest.raises(KeyError):
        device.object(Register, NAME)
    assert len(list(device)) == 3
