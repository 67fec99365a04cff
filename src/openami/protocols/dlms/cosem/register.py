"""Interface class Register (class_id 3, version 0): a value with its scaler and unit.

Source: public implementations and lists, counted beside the peer stack; no edition of the book was at hand.
"""

from __future__ import annotations

from typing import Annotated

from openami.model.quantity import Quantity
from openami.model.unit import Unit
from openami.protocols.dlms.cosem.attribute import Attribute, Method
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.types import ANY, INTEGER, cosem_structure, enum_of, structure_type


@cosem_structure
class ScalUnitType:
    """scal_unit_type: the value means `value × 10^scaler` in `unit`."""

    scaler: Annotated[int, INTEGER]
    unit: Annotated[Unit, enum_of(Unit)]

    def quantity(self, value: int) -> Quantity:
        """The exact quantity that a register's integer `value` means."""
        return Quantity(value, self.scaler, self.unit)


SCAL_UNIT_TYPE = structure_type(ScalUnitType)


class Register(InterfaceClass, class_id=3, version=0):
    """`reset` sets the value to its default."""

    __slots__ = ()

    value = Attribute(2, ANY)
    scaler_unit = Attribute(3, SCAL_UNIT_TYPE, static=True)

    reset = Method(1, INTEGER)
