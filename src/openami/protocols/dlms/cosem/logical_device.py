"""A logical device: COSEM objects behind logical names, answering GET, SET and ACTION.

It is asked synchronously and answers in bytes. What it answers to a wrong question (our reading of the result
names; the clauses were not at hand):

* no such object in this association, or no such attribute or method in the object: object-undefined
* the object is there with another class_id: object-class-inconsistent
* the association's access rights forbid it: read-write-denied
* a value of another type than printed: type-unmatched
* a selector, column or entry number that cannot be: scope-of-access-violated
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

from openami.model.errors import DecodeError
from openami.model.obis import ObisCode
from openami.protocols.dlms.access_result import ActionResult, DataAccessResult
from openami.protocols.dlms.cosem.access_rights import AccessRights
from openami.protocols.dlms.cosem.association_ln import AssociationLN, ObjectListElement
from openami.protocols.dlms.cosem.interface_class import InterfaceClass, Selection
from openami.protocols.dlms.cosem.profile_generic import BY_ENTRY, BY_RANGE
from openami.protocols.dlms.cosem.refusal import ActionRefused, Refused
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor, CosemMethodDescriptor, SelectiveAccess
from openami.protocols.dlms.selective_access import selection_of

Interface = TypeVar("Interface", bound=InterfaceClass)

CURRENT_ASSOCIATION = ObisCode(0, 0, 40, 0, 0)
"""The logical name under which each client finds the association that it is in."""


class AssociationView(Protocol):
    """What a logical device must know of the association that asks."""

    @property
    def client_sap(self) -> int:
        """The client's address; rights hang on it."""
        ...


@dataclass(frozen=True, slots=True)
class ClientAccess:
    """One client's rights, and the association object that it finds under 0-0:40.0.0*255."""

    rights: AccessRights
    association: AssociationLN


class LogicalDevice:
    """`clients` are the client SAPs that may associate at all; objects are found by their logical name.

    `objects` may be a mapping that makes its objects when they are asked for: most are not, most of the time.
    """

    def __init__(
        self, objects: Iterable[InterfaceClass] | Mapping[ObisCode, InterfaceClass], clients: Mapping[int, ClientAccess]
    ) -> None:
        made = objects if isinstance(objects, Mapping) else {item.logical_name: item for item in objects}
        self._objects: Mapping[ObisCode, InterfaceClass] = made
        self._clients = dict(clients)
        for client_sap, access in self._clients.items():
            access.association.bind(AssociationLN.object_list, partial(self._object_list, client_sap))

    def __iter__(self) -> Iterator[InterfaceClass]:
        return iter(self._objects.values())

    def object_list(self, client_sap: int) -> tuple[ObjectListElement, ...]:
        """The objects that a client sees, with its rights, in the order of their logical names."""
        access = self._clients[client_sap]
        seen = [item for name, item in self._objects.items() if access.rights.sees(name)]
        seen.append(access.association)
        return tuple(access.rights.element(item) for item in sorted(seen, key=lambda item: item.logical_name))

    def _object_list(self, client_sap: int, _now: float) -> tuple[ObjectListElement, ...]:
        return self.object_list(client_sap)

    def object(self, kind: type[Interface], logical_name: ObisCode) -> Interface:
        """The object of class `kind` at `logical_name`; raises `KeyError` if it is not there."""
        item = self._objects[logical_name]
        if not isinstance(item, kind):
            raise KeyError(logical_name)
        return item

    def get(
        self,
        association: AssociationView,
        descriptor: CosemAttributeDescriptor,
        selection: SelectiveAccess | Selection | None,
        now: float,
    ) -> bytes | DataAccessResult:
        """The A-XDR bytes of an attribute or of the selected part of it; `now` is UTC seconds."""
        try:
            rights, item = self._find(association, descriptor.class_id, descriptor.instance_id)
            attribute = item.attribute(descriptor.attribute_id)
            if not rights.may_read(descriptor.instance_id, attribute.attribute_id):
                return DataAccessResult.READ_WRITE_DENIED
            return item.read(attribute.attribute_id, selection_asked(selection), now)
        except Refused as refused:
            return refused.result

    def set(
        self,
        association: AssociationView,
        descriptor: CosemAttributeDescriptor,
        selection: SelectiveAccess | Selection | None,
        value: bytes,
        now: float,
    ) -> DataAccessResult:
        """Set an attribute from A-XDR bytes; there is no selective access to set."""
        try:
            rights, item = self._find(association, descriptor.class_id, descriptor.instance_id)
            attribute = item.attribute(descriptor.attribute_id)
            if not rights.may_write(descriptor.instance_id, attribute.attribute_id):
                return DataAccessResult.READ_WRITE_DENIED
            if selection is not None:
                return DataAccessResult.SCOPE_OF_ACCESS_VIOLATED
            item.write(attribute.attribute_id, value, now)
        except Refused as refused:
            return refused.result
        return DataAccessResult.SUCCESS

    def action(
        self, association: AssociationView, descriptor: CosemMethodDescriptor, argument: bytes | None, now: float
    ) -> tuple[ActionResult, bytes | None]:
        """Invoke a method with the A-XDR bytes of its parameter; the result and the bytes of what it returns."""
        try:
            rights, item = self._find(association, descriptor.class_id, descriptor.instance_id)
            if descriptor.method_id not in item.METHODS:
                return ActionResult.OBJECT_UNDEFINED, None
            if not rights.may_invoke(descriptor.instance_id, descriptor.method_id):
                return ActionResult.READ_WRITE_DENIED, None
            return ActionResult.SUCCESS, item.invoke(descriptor.method_id, argument, now)
        except Refused as refused:
            return ActionResult(refused.result), None
        except ActionRefused as refused:
            return refused.result, None

    def _find(
        self, association: AssociationView, class_id: int, logical_name: ObisCode
    ) -> tuple[AccessRights, InterfaceClass]:
        access = self._clients.get(association.client_sap)
        if access is None:
            raise Refused(DataAccessResult.READ_WRITE_DENIED)
        item = access.association if logical_name == CURRENT_ASSOCIATION else self._objects.get(logical_name)
        if item is None or not (item is access.association or access.rights.sees(logical_name)):
            raise Refused(DataAccessResult.OBJECT_UNDEFINED)
        if item.class_id != class_id:
            raise Refused(DataAccessResult.OBJECT_CLASS_INCONSISTENT)
        return access.rights, item


def selection_asked(selection: SelectiveAccess | Selection | None) -> Selection | None:
    """The descriptor that a request's selective access means; raises `Refused`."""
    if not isinstance(selection, SelectiveAccess):
        return selection
    if selection.access_selector not in {BY_RANGE, BY_ENTRY}:
        raise Refused(DataAccessResult.SCOPE_OF_ACCESS_VIOLATED)
    try:
        return selection_of(selection)
    except DecodeError:
        raise Refused(DataAccessResult.TYPE_UNMATCHED) from None
