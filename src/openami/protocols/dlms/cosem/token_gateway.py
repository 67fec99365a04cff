"""Payment tokens: Token gateway (class_id 115) and IEC 62055-41 attributes (116), both version 0.

Class 116 is not in the peer stack; its members are from a public list of the class.
Source: public implementations and lists, counted beside the peer stack except 116, which it has not; no edition of
the book was at hand.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated

from openami.protocols.dlms.cosem.attribute import Attribute, Method
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.types import (
    ANY,
    BIT_STRING,
    DATE_TIME_OCTETS,
    DOUBLE_LONG_UNSIGNED,
    ENUM,
    OCTET_STRING,
    STRUCTURE,
    UNSIGNED,
    VISIBLE_STRING,
    array_of,
    cosem_structure,
    enum_of,
    structure_type,
)


class TokenDeliveryMethod(IntEnum):
    """token_delivery_method."""

    REMOTE = 0
    LOCAL = 1
    MANUAL = 2


@cosem_structure
class TokenStatus:
    """token_status of the last token."""

    status_code: Annotated[int, ENUM]
    data_value: Annotated[str, BIT_STRING]


class TokenGateway(InterfaceClass, class_id=115, version=0):
    """`enter` takes a token."""

    __slots__ = ()

    token = Attribute(2, OCTET_STRING)
    token_time = Attribute(3, DATE_TIME_OCTETS)
    token_description = Attribute(4, array_of(OCTET_STRING))
    token_delivery_method = Attribute(5, enum_of(TokenDeliveryMethod))
    token_status = Attribute(6, structure_type(TokenStatus))

    enter = Method(1, OCTET_STRING)


class IEC6205541Attributes(InterfaceClass, class_id=116, version=0):
    """What a meter for standard transfer specification tokens is known by; key attributes change by tokens."""

    __slots__ = ()

    meter_pan = Attribute(2, STRUCTURE, static=True)
    commodity = Attribute(3, VISIBLE_STRING, static=True)
    token_carrier_types = Attribute(4, array_of(ANY), static=True)
    encryption_algorithm = Attribute(5, UNSIGNED, static=True)
    supply_group_code = Attribute(6, DOUBLE_LONG_UNSIGNED)
    tariff_index = Attribute(7, UNSIGNED)
    key_revision_number = Attribute(8, UNSIGNED)
    key_type = Attribute(9, UNSIGNED)
    key_expiry_number = Attribute(10, UNSIGNED)
    no_of_kct_supported = Attribute(11, UNSIGNED, static=True)
    sts_certificate_no = Attribute(12, VISIBLE_STRING, static=True)
