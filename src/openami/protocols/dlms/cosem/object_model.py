"""A meter's object list as something to look around in: classes, names, attributes, methods and access."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from openami.model.obis import ObisCode
from openami.protocols.dlms.cosem.association_ln import (
    AccessBits,
    AttributeAccessItem,
    AttributeAccessMode,
    MethodAccessItem,
    MethodAccessMode,
    ObjectListElement,
)
from openami.protocols.dlms.cosem.describe import ClassDescription, describe
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor
from openami.protocols.dlms.obis_names import obis_name

ASSOCIATION_LN = 15
BITS_SINCE_VERSION = 3
"""From this version of Association LN on access modes are bits."""

_READ, _WRITE, _AUTHENTICATED = AccessBits.READ, AccessBits.WRITE, AccessBits.AUTHENTICATED_REQUEST
_ATTRIBUTE_MODES: dict[int, AccessBits] = {
    AttributeAccessMode.NO_ACCESS: AccessBits(0),
    AttributeAccessMode.READ_ONLY: _READ,
    AttributeAccessMode.WRITE_ONLY: _WRITE,
    AttributeAccessMode.READ_AND_WRITE: _READ | _WRITE,
    AttributeAccessMode.AUTHENTICATED_READ_ONLY: _READ | _AUTHENTICATED,
    AttributeAccessMode.AUTHENTICATED_WRITE_ONLY: _WRITE | _AUTHENTICATED,
    AttributeAccessMode.AUTHENTICATED_READ_AND_WRITE: _READ | _WRITE | _AUTHENTICATED,
}
_METHOD_MODES: dict[int, AccessBits] = {
    MethodAccessMode.NO_ACCESS: AccessBits(0),
    MethodAccessMode.ACCESS: _READ,
    MethodAccessMode.AUTHENTICATED_ACCESS: _READ | _AUTHENTICATED,
}


@dataclass(frozen=True, slots=True)
class ModelAttribute:
    """An attribute: what its class prints of it (empty where that is not known), and what this client may do."""

    number: int
    name: str
    type: str
    access: AccessBits
    selectors: tuple[int, ...] = ()

    @property
    def rights(self) -> str:
        """`r`, `w`, `rw` or `-`."""
        return ("r" if _READ in self.access else "") + ("w" if _WRITE in self.access else "") or "-"


@dataclass(frozen=True, slots=True)
class ModelMethod:
    """A method; `type` is that of its parameter."""

    number: int
    name: str
    type: str
    access: AccessBits

    @property
    def rights(self) -> str:
        """`x` or `-`."""
        return "x" if _READ in self.access else "-"


@dataclass(frozen=True, slots=True)
class ModelObject:
    """One object as a client sees it."""

    class_id: int
    version: int
    logical_name: ObisCode
    class_name: str
    attributes: tuple[ModelAttribute, ...]
    methods: tuple[ModelMethod, ...]

    @property
    def name(self) -> str:
        """What the logical name means; empty if the OBIS dictionary does not have it."""
        return obis_name(self.logical_name)

    def descriptor(self, attribute_id: int) -> CosemAttributeDescriptor:
        """How attribute `attribute_id` is asked for."""
        return CosemAttributeDescriptor(self.class_id, self.logical_name, attribute_id)

    def readable(self) -> Iterator[ModelAttribute]:
        """The attributes that this client may read."""
        return (one for one in self.attributes if _READ in one.access)


class ObjectModel:
    """The objects of one association, in the order of the meter's list."""

    def __init__(self, objects: Iterable[ModelObject]) -> None:
        self._objects = tuple(objects)
        self._by_name = {one.logical_name: one for one in reversed(self._objects)}

    @classmethod
    def of(cls, object_list: Sequence[ObjectListElement]) -> ObjectModel:
        """The model of an association's object_list.

        The association's own version, which stands in its list, says how access modes are read.
        """
        versions = [one.version for one in object_list if one.class_id == ASSOCIATION_LN]
        bits = max(versions, default=0) >= BITS_SINCE_VERSION
        return cls(_object(element, bits=bits) for element in object_list)

    def __iter__(self) -> Iterator[ModelObject]:
        return iter(self._objects)

    def __len__(self) -> int:
        return len(self._objects)

    def get(self, logical_name: ObisCode) -> ModelObject | None:
        """The object of this name."""
        return self._by_name.get(logical_name)

    def of_class(self, class_id: int) -> tuple[ModelObject, ...]:
        """All objects of a class."""
        return tuple(one for one in self._objects if one.class_id == class_id)


def _object(element: ObjectListElement, *, bits: bool) -> ModelObject:
    known = describe(element.class_id, element.version)
    rights = element.access_rights
    attributes = tuple(_attribute(item, known, bits=bits) for item in rights.attribute_access)
    return ModelObject(
        element.class_id,
        element.version,
        element.logical_name,
        known.name,
        attributes or _unlisted(known),
        tuple(_method(item, known, bits=bits) for item in rights.method_access),
    )


def _unlisted(known: ClassDescription) -> tuple[ModelAttribute, ...]:
    """A list without access rights leaves open what is there: what the class prints may be tried."""
    every = tuple(ModelAttribute(one.number, one.name, one.type, _READ) for one in known.attributes)
    return every or tuple(ModelAttribute(number, known.attribute_name(number), "", _READ) for number in (1, 2))


def _attribute(item: AttributeAccessItem, known: ClassDescription, *, bits: bool) -> ModelAttribute:
    access = AccessBits(item.access_mode) if bits else _mode(_ATTRIBUTE_MODES, item.access_mode)
    found = ModelAttribute(
        item.attribute_id, known.attribute_name(item.attribute_id), "", access, item.access_selectors
    )
    printed = next((one for one in known.attributes if one.number == item.attribute_id), None)
    return found if printed is None else replace(found, type=printed.type)


def _method(item: MethodAccessItem, known: ClassDescription, *, bits: bool) -> ModelMethod:
    access = AccessBits(item.access_mode) if bits else _mode(_METHOD_MODES, item.access_mode)
    printed = next((one for one in known.methods if one.number == item.method_id), None)
    if printed is None:
        return ModelMethod(item.method_id, f"method {item.method_id}", "", access)
    return ModelMethod(item.method_id, printed.name, printed.type, access)


def _mode(modes: dict[int, AccessBits], mode: int) -> AccessBits:
    """What a numbered mode allows; a number that no version has is read as bits."""
    return modes.get(mode, AccessBits(mode))
