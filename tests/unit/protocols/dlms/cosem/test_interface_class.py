from __future__ import annotations

import pytest

from openami.model.obis import ObisCode
from openami.model.unit import Unit
from openami.protocols.dlms.access_result import ActionResult, DataAccessResult
from openami.protocols.dlms.cosem.association_ln import AssociationLN, AssociationLN2
from openami.protocols.dlms.cosem.clock import Clock
from openami.protocols.dlms.cosem.describe import describe, find_attribute
from openami.protocols.dlms.cosem.extended_register import ExtendedRegister
from openami.protocols.dlms.cosem.refusal import ActionRefused, Refused
from openami.protocols.dlms.cosem.register import Register, ScalUnitType
from openami.protocols.dlms.data import double_long_unsigned, encode_data, integer, unsigned
from openami.protocols.dlms.selective_access import EntryDescriptor

CODE = ObisCode(1, 0, 1, 8, 0)


def test_a_version_that_is_not_declared_shows_its_neighbour() -> None:
    assert describe(3, 1).declared_version == 0
    assert describe(152, 0).attributes == ()
    assert describe(152, 0).name == "CoAP setup"
    assert describe(4711, 0).name == "class 4711"
    assert describe(3, 0).attribute_name(2) == "value"
    assert describe(3, 0).attribute_name(-1) == "attribute -1"
    assert find_attribute(3, 0, 2) is Register.value
    assert find_attribute(3, 0, 99) is None
    assert find_attribute(4711, 0, 1) is None


def test_inherited_members_belong_to_the_class_that_is_asked() -> None:
    assert Register.logical_name.class_id == 3
    assert Clock.logical_name.class_id == 8
    assert AssociationLN2.object_list.class_id == AssociationLN.object_list.class_id == 15
    assert ExtendedRegister.reset.class_id == 4
    assert repr(Register.value) == "<attribute 2 value of class 3: CHOICE>"
    assert repr(Clock.shift_time) == "<method 6 shift_time of class 8: long>"


def register() -> Register:
    return Register(CODE, value=double_long_unsigned(7), scaler_unit=ScalUnitType(0, Unit.WATT_HOUR))


def test_values_are_read_on_the_object() -> None:
    one = register()
    assert one.value == double_long_unsigned(7)
    assert one.logical_name == CODE
    one.value = double_long_unsigned(8)
    assert one.read(2, None, 0.0) == bytes.fromhex("0600000008")
    assert repr(one) == "<Register 1-0:1.8.0*255>"


def test_a_source_is_asked_with_the_time() -> None:
    one = register()
    one.bind(Register.value, lambda now: double_long_unsigned(int(now)))
    assert one.read(2, None, 9.0) == bytes.fromhex("0600000009")
    with pytest.raises(AttributeError, match="depends on the time"):
        _ = one.value
    with pytest.raises(Refused) as refused:
        one.write(2, encode_data(double_long_unsigned(1)), 0.0)
    assert refused.value.result is DataAccessResult.READ_WRITE_DENIED


def test_absent_attributes_are_undefined() -> None:
    one = ExtendedRegister(CODE, value=unsigned(1))
    with pytest.raises(AttributeError, match="no value"):
        _ = one.status
    with pytest.raises(Refused) as refused:
        one.read(4, None, 0.0)
    assert refused.value.result is DataAccessResult.OBJECT_UNDEFINED


def test_writing_keeps_to_the_printed_type() -> None:
    one = register()
    one.write(3, bytes.fromhex("02020f03161e"), 0.0)
    assert one.scaler_unit.scaler == 3
    for raw in ("06000000", "0600000001", "02020f0316fa", ""):
        with pytest.raises(Refused) as refused:
            one.write(3, bytes.fromhex(raw), 0.0)
        assert refused.value.result is DataAccessResult.TYPE_UNMATCHED


def test_only_profiles_have_selective_access() -> None:
    with pytest.raises(Refused) as refused:
        register().read(2, EntryDescriptor(1, 0), 0.0)
    assert refused.value.result is DataAccessResult.SCOPE_OF_ACCESS_VIOLATED


def test_methods_do_what_their_handler_does() -> None:
    one, calls = register(), []
    with pytest.raises(ActionRefused) as refused:
        one.invoke(1, encode_data(integer(0)), 0.0)
    assert refused.value.result is ActionResult.OBJECT_UNDEFINED
    one.handle(Register.reset, lambda argument, now: calls.append((argument, now)))
    assert one.invoke(1, encode_data(integer(0)), 5.0) is None
    assert calls == [(0, 5.0)]
    with pytest.raises(ActionRefused) as refused:
        one.invoke(1, b"\x11\x00", 0.0)
    assert refused.value.result is ActionResult.TYPE_UNMATCHED


def test_what_a_method_returns_goes_back() -> None:
    association = AssociationLN(CODE)
    association.handle(AssociationLN.reply_to_hls_authentication, lambda argument, _now: argument[::-1])
    assert association.invoke(1, bytes.fromhex("0902aabb"), 0.0) == bytes.fromhex("0902bbaa")
