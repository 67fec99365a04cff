"""Object lists of all versions of an association, and of makers who leave things out."""

from __future__ import annotations

from openami.model.obis import ObisCode
from openami.protocols.dlms.cosem.association_ln import (
    AccessBits,
    AccessRight,
    AttributeAccessItem,
    MethodAccessItem,
    ObjectListElement,
)
from openami.protocols.dlms.cosem.object_model import ObjectModel

ENERGY, CURRENT = ObisCode(1, 0, 1, 8, 0), ObisCode(0, 0, 40, 0, 0)


def element(class_id: int, version: int, name: ObisCode, attributes: tuple[int, ...], methods: tuple[int, ...] = ()):
    return ObjectListElement(
        class_id,
        version,
        name,
        AccessRight(
            tuple(AttributeAccessItem(number, mode) for number, mode in enumerate(attributes, 1)),
            tuple(MethodAccessItem(number, mode) for number, mode in enumerate(methods, 1)),
        ),
    )


def model(association_version: int, *elements: ObjectListElement) -> ObjectModel:
    return ObjectModel.of([*elements, element(15, association_version, CURRENT, (1,))])


def test_objects_are_named_and_found() -> None:
    meter = model(1, element(3, 0, ENERGY, (1, 3, 0), (1,)))
    register = meter.get(ENERGY)
    assert register is not None
    assert (register.class_name, register.name) == ("Register", "active energy +A")
    assert [(one.number, one.name, one.type, one.rights) for one in register.attributes] == [
        (1, "logical_name", "octet-string(6)", "r"),
        (2, "value", "CHOICE", "rw"),
        (3, "scaler_unit", "ScalUnitType", "-"),
    ]
    assert [(one.number, one.name, one.rights) for one in register.methods] == [(1, "reset", "x")]
    assert [one.number for one in register.readable()] == [1, 2]
    assert register.descriptor(2).attribute_id == 2
    assert meter.of_class(15)[0].logical_name == CURRENT
    assert meter.get(ObisCode(1, 0, 2, 8, 0)) is None
    assert [one.class_id for one in meter] == [3, 15]
    assert len(meter) == 2


def test_the_same_mode_means_other_things_in_version_3() -> None:
    """5 is authenticated_write_only up to version 2, and an authenticated request that reads in version 3."""
    for version, rights in ((0, "w"), (1, "w"), (2, "w"), (3, "r")):
        meter = model(version, element(3, 0, ENERGY, (1, 5)))
        attribute = meter.get(ENERGY).attributes[1]
        assert attribute.rights == rights
        assert AccessBits.AUTHENTICATED_REQUEST in attribute.access


def test_methods_of_version_3() -> None:
    register = model(3, element(3, 0, ENERGY, (1,), (0x05,))).get(ENERGY)
    assert register is not None
    assert register.methods[0].rights == "x"


def test_what_makers_leave_out_or_add() -> None:
    """No rights at all: what the class prints may be tried. Members and classes that nobody knows keep numbers."""
    other = ObisCode(0, 0, 128, 0, 0)
    meter = model(1, element(3, 0, ENERGY, ()), element(9000, 0, other, (1, 1), (2, 0)))
    assert [one.number for one in meter.get(ENERGY).readable()] == [1, 2, 3]
    unknown = meter.get(other)
    assert unknown is not None
    assert (unknown.class_name, unknown.name) == ("class 9000", "manufacturer specific")
    assert [one.name for one in unknown.attributes] == ["attribute 1", "attribute 2"]
    assert [(one.name, one.rights) for one in unknown.methods] == [("method 1", "x"), ("method 2", "-")]
    bare = model(1, element(9000, 0, other, ())).get(other)
    assert [one.number for one in bare.readable()] == [1, 2]
