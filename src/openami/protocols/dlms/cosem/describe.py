"""What is known of an interface class, for people who look at a meter's objects."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from openami.protocols.dlms.cosem.attribute import Attribute
from openami.protocols.dlms.cosem.catalogue import CLASS_NAMES, MODULES
from openami.protocols.dlms.cosem.interface_class import INTERFACE_CLASSES


@dataclass(frozen=True, slots=True)
class MemberDescription:
    """One attribute or method: its number, its name as the class prints it, its type (or its parameter's)."""

    number: int
    name: str
    type: str


@dataclass(frozen=True, slots=True)
class ClassDescription:
    """A class and its members; without members it is known by name only.

    `declared_version` is the version that the members are from; it differs from the asked one where only a
    neighbouring version is declared, and is `None` where none is.
    """

    class_id: int
    version: int
    name: str
    declared_version: int | None
    attributes: tuple[MemberDescription, ...] = ()
    methods: tuple[MemberDescription, ...] = ()

    def attribute_name(self, attribute_id: int) -> str:
        """The attribute's name; unknown ones keep their number."""
        return next((one.name for one in self.attributes if one.number == attribute_id), f"attribute {attribute_id}")


def describe(class_id: int, version: int) -> ClassDescription:
    """What is known of a class; of versions that are not declared, the nearest declared one's members are told."""
    if (module := MODULES.get(class_id)) is not None:  # it registers its classes when it is imported
        import_module(f"openami.protocols.dlms.cosem.{module}")
    name = CLASS_NAMES.get(class_id, f"class {class_id}")
    versions = [declared for known, declared in INTERFACE_CLASSES if known == class_id]
    if not versions:
        return ClassDescription(class_id, version, name, None)
    nearest = min(versions, key=lambda declared: (abs(declared - version), declared))
    kind = INTERFACE_CLASSES[class_id, nearest]
    attributes = tuple(
        MemberDescription(number, item.name, item.cosem_type.name) for number, item in sorted(kind.ATTRIBUTES.items())
    )
    methods = tuple(
        MemberDescription(number, item.name, item.parameter.name) for number, item in sorted(kind.METHODS.items())
    )
    return ClassDescription(class_id, version, name, nearest, attributes, methods)


def find_attribute(class_id: int, version: int, attribute_id: int) -> Attribute[object] | None:
    """The declaration of one attribute, to decode its value with; `None` where it is not declared."""
    declared_version = describe(class_id, version).declared_version
    if declared_version is None:
        return None
    return INTERFACE_CLASSES[class_id, declared_version].ATTRIBUTES.get(attribute_id)
