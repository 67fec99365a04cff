"""The meter's objects by logical name: those that everybody asks for kept, the others made when asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from openami.model.obis import ObisCode
from openami.protocols.dlms.cosem.interface_class import InterfaceClass

if TYPE_CHECKING:
    from openami.field.meter.electricity import ElectricityMeter

Make = Callable[["ElectricityMeter"], InterfaceClass]


class ObjectTable(Mapping[ObisCode, InterfaceClass]):
    """`makers` is shared by all meters. What it makes holds nothing itself: it is a view of the meter's state, made
    anew at each use, so that a thousand meters do not keep thousands of objects that nobody looks at.
    """

    __slots__ = ("_kept", "_makers", "_meter")

    def __init__(
        self, meter: ElectricityMeter, kept: Iterable[InterfaceClass], makers: Mapping[ObisCode, Make]
    ) -> None:
        self._meter = meter
        self._kept = {item.logical_name: item for item in kept}
        self._makers = makers

    def __getitem__(self, logical_name: ObisCode) -> InterfaceClass:
        item = self._kept.get(logical_name)
        return self._makers[logical_name](self._meter) if item is None else item

    def __contains__(self, logical_name: object) -> bool:
        return logical_name in self._kept or logical_name in self._makers

    def __iter__(self) -> Iterator[ObisCode]:
        yield from self._kept
        yield from self._makers

    def __len__(self) -> int:
        return len(self._kept) + len(self._makers)
