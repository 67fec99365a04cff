"""Short names: where each attribute and method of an object stands in the 16-bit space of one logical device.

Attribute n stands at the object's base name + 8 (n - 1); the first method of a class at an offset that the class
prints, the next ones 8 apart (offsets as public object descriptions and another implementation give them; the Blue
Book was not at hand). The current association stands at FA00; its attribute 2 lists all other objects.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from openami.model.errors import DecodeError, LocalProtocolError, SettingError
from openami.model.obis import ObisCode
from openami.protocols.dlms.data import (
    Data,
    array,
    decode_data,
    encode_data,
    long,
    long_unsigned,
    octet_string,
    structure,
    unsigned,
)
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor, CosemMethodDescriptor

ASSOCIATION_BASE: Final = 0xFA00
CURRENT_ASSOCIATION_SN: Final = ObisCode(0, 0, 40, 0, 0)
OBJECT_LIST: Final = ASSOCIATION_BASE + 8
REPLY_TO_HLS_AUTHENTICATION: Final = ASSOCIATION_BASE + 0x58
_FIRST_BASE: Final = 0x1000
_SPACING: Final = 0x100
_STEP: Final = 8
_METHODS: Final = {
    3: 0x28,
    4: 0x38,
    5: 0x48,
    6: 0x30,
    7: 0x58,
    8: 0x60,
    9: 0x20,
    11: 0x10,
    12: 0x20,
    15: 0x60,
    18: 0x40,
    20: 0x50,
    40: 0x38,
    64: 0x30,
    70: 0x20,
}
"""Offset of the first method, by class_id. Methods of other classes have no short name here."""

Descriptor: TypeAlias = CosemAttributeDescriptor | CosemMethodDescriptor


class ModelObject(Protocol):
    """What is needed of an object of the model."""

    @property
    def class_id(self) -> int: ...

    @property
    def version(self) -> int: ...

    @property
    def logical_name(self) -> ObisCode: ...


@dataclass(frozen=True, slots=True)
class NamedObject:
    """One element of the association's object list."""

    base_name: int
    class_id: int
    version: int
    logical_name: ObisCode


class ShortNames:
    """The map of one logical device, both ways."""

    def __init__(self, objects: Iterable[NamedObject]) -> None:
        self.objects = tuple(sorted(objects, key=lambda item: item.base_name))
        self._by_object = {(item.class_id, item.logical_name): item.base_name for item in self.objects}
        self._by_object.setdefault((12, CURRENT_ASSOCIATION_SN), ASSOCIATION_BASE)

    def of(self, descriptor: Descriptor) -> int:
        """The short name of an attribute or method; raises `LocalProtocolError` if it has none."""
        base = self._by_object.get((descriptor.class_id, descriptor.instance_id))
        if base is None:
            raise LocalProtocolError(f"{descriptor.instance_id} of class {descriptor.class_id} has no short name")
        if isinstance(descriptor, CosemAttributeDescriptor):
            return base + _STEP * (descriptor.attribute_id - 1)
        first = _METHODS.get(descriptor.class_id)
        if first is None:
            raise LocalProtocolError(f"methods of class {descriptor.class_id} have no short names here")
        return base + first + _STEP * (descriptor.method_id - 1)

    def find(self, short_name: int) -> Descriptor | None:
        """The attribute or method at `short_name`, None if nothing is there."""
        item = next((item for item in reversed(self.objects) if item.base_name <= short_name), None)
        if item is None or (short_name - item.base_name) % _STEP:
            return None
        offset = short_name - item.base_name
        first = _METHODS.get(item.class_id)
        if first is None or offset < first:
            number = offset // _STEP + 1
            return CosemAttributeDescriptor(item.class_id, item.logical_name, number) if number < 128 else None
        number = (offset - first) // _STEP + 1
        return CosemMethodDescriptor(item.class_id, item.logical_name, number) if number < 128 else None

    def object_list(self) -> bytes:
        """The A-XDR octets of the association's object list."""
        return encode_data(array(*map(_element, self.objects)))


def assign_short_names(objects: Iterable[ModelObject]) -> ShortNames:
    """Base names for the objects of a model, in the order of their logical names; the same model, the same names."""
    ordered = sorted(objects, key=lambda item: (bytes(item.logical_name), item.class_id))
    names = [
        NamedObject(_FIRST_BASE + _SPACING * index, item.class_id, item.version, item.logical_name)
        for index, item in enumerate(ordered)
    ]
    if names and names[-1].base_name + _SPACING > ASSOCIATION_BASE:
        most = (ASSOCIATION_BASE - _FIRST_BASE) // _SPACING
        raise SettingError(f"{len(names)} objects; short names are assigned to {most} at most")
    return ShortNames(names)


def short_names_of(object_list: bytes) -> ShortNames:
    """The map that a device's object list gives; raises `DecodeError` if it is none."""
    try:
        return ShortNames(_named(element.value) for element in decode_data(object_list).value)
    except (TypeError, ValueError, AttributeError, IndexError) as error:
        raise DecodeError(f"object list of short names: {error}", 0) from error


def _element(item: NamedObject) -> Data:
    signed = item.base_name - 0x10000 if item.base_name >= 0x8000 else item.base_name
    name = octet_string(bytes(item.logical_name))
    return structure(long(signed), long_unsigned(item.class_id), unsigned(item.version), name)


def _named(fields: tuple[Data, ...]) -> NamedObject:
    base, class_id, version, name = (field.value for field in fields)
    return NamedObject(int(base) & 0xFFFF, int(class_id), int(version), ObisCode.from_bytes(name))
