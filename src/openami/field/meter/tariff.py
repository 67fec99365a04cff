"""Which rate registers count: the meter's register activation, as state and as a COSEM object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from openami.field.meter import codes
from openami.field.meter.scripts import MASK_TARIFF_1, MASK_TARIFF_2
from openami.protocols.dlms.access_result import ActionResult, DataAccessResult
from openami.protocols.dlms.cosem.refusal import ActionRefused, Refused
from openami.protocols.dlms.cosem.register_activation import (
    ObjectDefinition,
    RegisterActivation,
    RegisterActivationMask,
)

if TYPE_CHECKING:
    from openami.field.meter.electricity import ElectricityMeter

MASKS_MAX: Final = 16
RATE_REGISTERS: Final = tuple(ObjectDefinition(3, code) for code in (codes.IMPORT_TARIFF_1, codes.IMPORT_TARIFF_2))
FACTORY_MASKS: Final = (RegisterActivationMask(MASK_TARIFF_1, (1,)), RegisterActivationMask(MASK_TARIFF_2, (2,)))


class TariffRegisters:
    """The registers of the active mask count what is drawn. The total register always counts."""

    __slots__ = ("active", "counting", "masks")

    def __init__(self) -> None:
        self.masks: tuple[RegisterActivationMask, ...] = FACTORY_MASKS
        self.active = MASK_TARIFF_1
        self.counting: tuple[int, ...] = (0,)
        """Which of the rate registers count, from 0."""

    def activate(self, name: bytes) -> bool:
        """Let the mask `name` be the active one; false if there is none."""
        for mask in self.masks:
            if mask.mask_name == name:
                self.active = name
                self.counting = tuple(index - 1 for index in mask.index_list)
                return True
        return False

    def add(self, mask: RegisterActivationMask) -> bool:
        """Add a mask, or replace the one of its name; false if it names registers that are not there."""
        others = tuple(one for one in self.masks if one.mask_name != mask.mask_name)
        numbers = dict.fromkeys(mask.index_list)
        if len(others) >= MASKS_MAX or not all(1 <= number <= len(RATE_REGISTERS) for number in numbers):
            return False
        self.masks = (*others, RegisterActivationMask(mask.mask_name, tuple(numbers)))
        if mask.mask_name == self.active:
            self.activate(self.active)
        return True

    def delete(self, name: bytes) -> bool:
        """Forget a mask; the active one stays, and so do the maker's."""
        kept = tuple(one for one in self.masks if one.mask_name != name)
        if name in {self.active, MASK_TARIFF_1, MASK_TARIFF_2} or len(kept) == len(self.masks):
            return False
        self.masks = kept
        return True


def register_activation_object(meter: ElectricityMeter) -> RegisterActivation:
    """Class Register activation at 0-0:14.0.0*255."""
    tariffs = meter.tariffs
    item = RegisterActivation(codes.REGISTER_ACTIVATION, register_assignment=RATE_REGISTERS, mask_list=tariffs.masks)
    item.bind(RegisterActivation.active_mask, lambda _now: tariffs.active, lambda name, _: _activate(meter, name))
    item.handle(RegisterActivation.add_mask, lambda mask, _: _done(tariffs.add(mask)))
    item.handle(RegisterActivation.delete_mask, lambda name, _: _done(tariffs.delete(name)))
    return item


def _activate(meter: ElectricityMeter, name: bytes) -> None:
    if not meter.tariffs.activate(name):
        raise Refused(DataAccessResult.OTHER_REASON)


def _done(done: bool) -> None:
    if not done:
        raise ActionRefused(ActionResult.OTHER_REASON)
