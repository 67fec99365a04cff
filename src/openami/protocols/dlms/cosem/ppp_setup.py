"""Links of a wide area network: PPP setup (class_id 44), GPRS modem setup (45), SMTP setup (46).

Source: public implementations and lists, counted beside the peer stack except 46, which it has not; no edition of the
book was at hand.
"""

from __future__ import annotations

from typing import Annotated

from openami.protocols.dlms.cosem.attribute import Attribute
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.types import (
    ANY,
    LOGICAL_NAME,
    LONG_UNSIGNED,
    OCTET_STRING,
    UNSIGNED,
    array_of,
    cosem_structure,
    structure_type,
)
from openami.protocols.dlms.data import Data


@cosem_structure
class PPPOption:
    """LCP_options_element and IPCP_options_element; the type of the data hangs on the option."""

    option_type: Annotated[int, UNSIGNED]
    option_length: Annotated[int, UNSIGNED]
    option_data: Annotated[Data, ANY]


@cosem_structure
class QualityOfServiceElement:
    """qos_element of GPRS."""

    precedence: Annotated[int, UNSIGNED]
    delay: Annotated[int, UNSIGNED]
    reliability: Annotated[int, UNSIGNED]
    peak_throughput: Annotated[int, UNSIGNED]
    mean_throughput: Annotated[int, UNSIGNED]


@cosem_structure
class QualityOfService:
    """quality_of_service."""

    default: Annotated[QualityOfServiceElement, structure_type(QualityOfServiceElement)]
    requested: Annotated[QualityOfServiceElement, structure_type(QualityOfServiceElement)]


class PPPSetup(InterfaceClass, class_id=44, version=0):
    """`ppp_authentication` is null-data, or a structure of user name and password."""

    __slots__ = ()

    phy_reference = Attribute(2, LOGICAL_NAME, static=True)
    lcp_options = Attribute(3, array_of(structure_type(PPPOption)), static=True)
    ipcp_options = Attribute(4, array_of(structure_type(PPPOption)), static=True)
    ppp_authentication = Attribute(5, ANY, static=True)


class GPRSModemSetup(InterfaceClass, class_id=45, version=0):
    """`apn` is the access point's name."""

    __slots__ = ()

    apn = Attribute(2, OCTET_STRING, static=True)
    pin_code = Attribute(3, LONG_UNSIGNED, static=True)
    quality_of_service = Attribute(4, structure_type(QualityOfService), static=True)


class SMTPSetup(InterfaceClass, class_id=46, version=0):
    """Where the device hands over its mail. The peer stack does not have the class: not cross-checked."""

    __slots__ = ()

    server_port = Attribute(2, LONG_UNSIGNED, static=True)
    user_name = Attribute(3, OCTET_STRING, static=True)
    login_password = Attribute(4, OCTET_STRING, static=True)
    server_address = Attribute(5, OCTET_STRING, static=True)
    sender_address = Attribute(6, OCTET_STRING, static=True)
