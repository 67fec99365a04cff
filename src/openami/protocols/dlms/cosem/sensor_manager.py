"""Interface class Sensor manager (class_id 67, version 0): a sensor, its raw and its processed value.

Members from a public list of the class; the peer stack does not have it.
Source: public lists of the class; the peer stack has it not, and no edition of the book was at hand.
"""

from __future__ import annotations

from openami.protocols.dlms.cosem.attribute import Attribute, Method
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.register import SCAL_UNIT_TYPE
from openami.protocols.dlms.cosem.register_monitor import VALUE_DEFINITION, ActionSet
from openami.protocols.dlms.cosem.types import ANY, DATE_TIME, ENUM, INTEGER, OCTET_STRING, array_of, structure_type


class SensorManager(InterfaceClass, class_id=67, version=0):
    """Thresholds and actions as in a register monitor, for the raw and for the processed value."""

    __slots__ = ()

    serial_number = Attribute(2, OCTET_STRING)
    metrological_identification = Attribute(3, OCTET_STRING)
    output_type = Attribute(4, ENUM)
    adjustment_method = Attribute(5, OCTET_STRING)
    sealing_method = Attribute(6, ENUM)
    raw_value = Attribute(7, ANY)
    scaler_unit = Attribute(8, SCAL_UNIT_TYPE)
    status = Attribute(9, ANY)
    capture_time = Attribute(10, DATE_TIME)
    raw_value_thresholds = Attribute(11, array_of(ANY))
    raw_value_actions = Attribute(12, array_of(structure_type(ActionSet)))
    processed_value = Attribute(13, VALUE_DEFINITION)
    processed_value_thresholds = Attribute(14, array_of(ANY))
    processed_value_actions = Attribute(15, array_of(structure_type(ActionSet)))

    reset = Method(1, INTEGER)
