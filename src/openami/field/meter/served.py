"""A device that answers GET, SET and ACTION as it is at the moment of the question."""

from __future__ import annotations

from abc import abstractmethod

from openami.protocols.dlms.access_result import ActionResult, DataAccessResult
from openami.protocols.dlms.cosem.interface_class import Selection
from openami.protocols.dlms.cosem.logical_device import AssociationView, LogicalDevice
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor, CosemMethodDescriptor, SelectiveAccess


class ServedDevice:
    """`device` holds the objects; the device lives on to `now` before it answers."""

    device: LogicalDevice

    @abstractmethod
    def advance(self, now: float) -> None:
        """Live until `now`; times in the past change nothing."""

    def asked_by(self, association: AssociationView) -> None:
        """The client of `association` asks next."""

    def get(
        self,
        association: AssociationView,
        descriptor: CosemAttributeDescriptor,
        selection: SelectiveAccess | Selection | None,
        now: float,
    ) -> bytes | DataAccessResult:
        """As `LogicalDevice.get`, of the meter as it is at `now`."""
        self.asked_by(association)
        self.advance(now)
        return self.device.get(association, descriptor, selection, now)

    def set(
        self,
        association: AssociationView,
        descriptor: CosemAttributeDescriptor,
        selection: SelectiveAccess | Selection | None,
        value: bytes,
        now: float,
    ) -> DataAccessResult:
        """As `LogicalDevice.set`, of the meter as it is at `now`."""
        self.asked_by(association)
        self.advance(now)
        return self.device.set(association, descriptor, selection, value, now)

    def action(
        self, association: AssociationView, descriptor: CosemMethodDescriptor, argument: bytes | None, now: float
    ) -> tuple[ActionResult, bytes | None]:
        """As `LogicalDevice.action`, of the meter as it is at `now`."""
        self.asked_by(association)
        self.advance(now)
        return self.device.action(association, descriptor, argument, now)
