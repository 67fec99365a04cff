"""Interface class Parameter monitor (class_id 65, version 0): which parameter was changed last, and when.

Source: public implementations and lists, counted beside the peer stack; no edition of the book was at hand.
"""

from __future__ import annotations

from typing import Annotated

from openami.model.obis import ObisCode
from openami.protocols.dlms.cosem.attribute import Attribute, Method
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.register_monitor import VALUE_DEFINITION
from openami.protocols.dlms.cosem.types import (
    ANY,
    DATE_TIME_OCTETS,
    INTEGER,
    LOGICAL_NAME,
    LONG_UNSIGNED,
    array_of,
    cosem_structure,
    structure_type,
)
from openami.protocols.dlms.data import Data


@cosem_structure
class ChangedParameter:
    """changed_parameter: an attribute and its new value."""

    class_id: Annotated[int, LONG_UNSIGNED]
    logical_name: Annotated[ObisCode, LOGICAL_NAME]
    attribute_index: Annotated[int, INTEGER]
    attribute_value: Annotated[Data, ANY]


class ParameterMonitor(InterfaceClass, class_id=65, version=0):
    """The parameters in `parameter_list` are watched."""

    __slots__ = ()

    changed_parameter = Attribute(2, structure_type(ChangedParameter))
    capture_time = Attribute(3, DATE_TIME_OCTETS)
    parameter_list = Attribute(4, array_of(VALUE_DEFINITION), static=True)

    add_parameter = Method(1, VALUE_DEFINITION)
    delete_parameter = Method(2, VALUE_DEFINITION)
