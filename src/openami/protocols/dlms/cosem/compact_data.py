"""Interface class Compact data (class_id 62, versions 0 and 1): captured values without tags, and a template beside.

Version 1 has the same members; its capture objects have more fields (restriction and columns), which nothing at hand
prints: they stay as they come.
Source: public lists of the class; the peer stack has it not, and no edition of the book was at hand.
"""

from __future__ import annotations

from enum import IntEnum

from openami.protocols.dlms.cosem.attribute import Attribute, Method
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.profile_generic import CAPTURE_OBJECT_DEFINITION
from openami.protocols.dlms.cosem.types import INTEGER, OCTET_STRING, STRUCTURE, UNSIGNED, array_of, enum_of


class CaptureMethod(IntEnum):
    """capture_method: when the values are taken."""

    UPON_INVOKING_CAPTURE = 0
    IMPLICIT_UPON_READING = 1


class CompactData(InterfaceClass, class_id=62, version=0):
    """`template_description` holds the types of the values in `compact_buffer`; `template_id` names it."""

    __slots__ = ()

    compact_buffer = Attribute(2, OCTET_STRING)
    capture_objects = Attribute(3, array_of(CAPTURE_OBJECT_DEFINITION), static=True)
    template_id = Attribute(4, UNSIGNED, static=True)
    template_description = Attribute(5, OCTET_STRING)
    capture_method = Attribute(6, enum_of(CaptureMethod), static=True)

    reset = Method(1, INTEGER)
    capture = Method(2, INTEGER)


class CompactData1(InterfaceClass, class_id=62, version=1):
    """Captures parts of profiles too."""

    __slots__ = ()

    compact_buffer = Attribute(2, OCTET_STRING)
    capture_objects = Attribute(3, array_of(STRUCTURE), static=True)
    template_id = Attribute(4, UNSIGNED, static=True)
    template_description = Attribute(5, OCTET_STRING)
    capture_method = Attribute(6, enum_of(CaptureMethod), static=True)

    reset = Method(1, INTEGER)
    capture = Method(2, INTEGER)
