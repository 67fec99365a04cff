"""What an association may do: attribute and method access by object. One `AccessRights` serves many meters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from openami.model.obis import ObisCode
from openami.protocols.dlms.cosem.association_ln import (
    AccessRight,
    AttributeAccessItem,
    AttributeAccessMode,
    MethodAccessItem,
    MethodAccessMode,
    ObjectListElement,
)
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.profile_generic import BY_ENTRY, BY_RANGE, ProfileGeneric

_READING = frozenset(
    {
        AttributeAccessMode.READ_ONLY,
        AttributeAccessMode.READ_AND_WRITE,
        AttributeAccessMode.AUTHENTICATED_READ_ONLY,
        AttributeAccessMode.AUTHENTICATED_READ_AND_WRITE,
    }
)
_WRITING = frozenset(
    {
        AttributeAccessMode.WRITE_ONLY,
        AttributeAccessMode.READ_AND_WRITE,
        AttributeAccessMode.AUTHENTICATED_WRITE_ONLY,
        AttributeAccessMode.AUTHENTICATED_READ_AND_WRITE,
    }
)


@dataclass(frozen=True, slots=True)
class AccessRights:
    """`objects` are the only objects that the association sees (`None`: all of the device).

    Attributes may be read unless `attributes` says otherwise for (logical name, attribute_id); methods may not be
    invoked unless `methods` says so for (logical name, method_id).
    """

    objects: frozenset[ObisCode] | None = None
    attributes: Mapping[tuple[ObisCode, int], AttributeAccessMode] = field(default_factory=dict)
    methods: Mapping[tuple[ObisCode, int], MethodAccessMode] = field(default_factory=dict)

    def sees(self, logical_name: ObisCode) -> bool:
        """Whether the object exists for this association."""
        return self.objects is None or logical_name in self.objects

    def attribute_mode(self, logical_name: ObisCode, attribute_id: int) -> AttributeAccessMode:
        """The access mode of one attribute."""
        return self.attributes.get((logical_name, attribute_id), AttributeAccessMode.READ_ONLY)

    def method_mode(self, logical_name: ObisCode, method_id: int) -> MethodAccessMode:
        """The access mode of one method."""
        return self.methods.get((logical_name, method_id), MethodAccessMode.NO_ACCESS)

    def may_read(self, logical_name: ObisCode, attribute_id: int) -> bool:
        """Whether the attribute may be read."""
        return self.attribute_mode(logical_name, attribute_id) in _READING

    def may_write(self, logical_name: ObisCode, attribute_id: int) -> bool:
        """Whether the attribute may be set."""
        return self.attribute_mode(logical_name, attribute_id) in _WRITING

    def may_invoke(self, logical_name: ObisCode, method_id: int) -> bool:
        """Whether the method may be invoked."""
        return self.method_mode(logical_name, method_id) is not MethodAccessMode.NO_ACCESS

    def element(self, item: InterfaceClass) -> ObjectListElement:
        """The object_list_element of an object: its class, version, name and rights."""
        name = item.logical_name
        attributes = tuple(
            AttributeAccessItem(number, self.attribute_mode(name, number), _selectors(item, number))
            for number in sorted(item.attribute_values)
        )
        methods = tuple(MethodAccessItem(number, self.method_mode(name, number)) for number in sorted(item.METHODS))
        return ObjectListElement(item.class_id, item.version, name, AccessRight(attributes, methods))


def _selectors(item: InterfaceClass, attribute_id: int) -> tuple[int, ...]:
    return (BY_RANGE, BY_ENTRY) if isinstance(item, ProfileGeneric) and attribute_id == 2 else ()
