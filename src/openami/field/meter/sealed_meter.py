"""A meter of the two-seal class: what is critical it does only for an envelope, whoever is associated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from openami.field.meter import codes
from openami.field.meter.access import MANAGEMENT, READING, SERVER_SAP
from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.sealed_commands import ARMED_MODES, SealedCommands
from openami.model.errors import DecodeError, SettingError
from openami.model.interval import DAY_S
from openami.protocols.dlms.access_result import ActionResult, DataAccessResult
from openami.protocols.dlms.association import Association
from openami.protocols.dlms.cosem.access_rights import AccessRights
from openami.protocols.dlms.cosem.association_ln import AssociationLN, AttributeAccessMode
from openami.protocols.dlms.cosem.clock import Clock
from openami.protocols.dlms.cosem.logical_device import CURRENT_ASSOCIATION, ClientAccess, LogicalDevice
from openami.protocols.dlms.data import decode_data
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor, CosemMethodDescriptor, SelectiveAccess
from openami.protocols.dlms.server_settings import ServerSettings
from openami.protocols.seal.objects import CHALLENGE, SEALED_COMMAND
from openami.protocols.seal.opening import MeterSeal
from openami.protocols.seal.verbs import verb_of_action, verb_of_set

NUDGE_S_PER_DAY: Final = 10
"""How far all unsealed clock shifts of a day may move the clock: enough for drift, too little for anything else."""
SUBMITTERS: Final = (MANAGEMENT, READING)
"""The clients that prove themselves and cipher: over them envelopes come in. The envelope trusts neither."""
_SHIFT: Final = CosemMethodDescriptor(Clock.class_id, codes.CLOCK, Clock.shift_time.method_id)
_RIGHTS: Final = AccessRights(attributes={(SEALED_COMMAND, 2): AttributeAccessMode.READ_AND_WRITE})
_OWN: Final = (SEALED_COMMAND, CHALLENGE)


class SealedMeter:
    """The management logical device of `meter` as the network sees it: critical verbs outside of an envelope are
    refused, whatever the client's rights, and two more objects take envelopes (they are not in the object_list).

    `random` must be unforeseeable, the meter's counters durable. Raises `SettingError` for a control mode in which a
    remote reconnection closes the contact by itself.
    """

    def __init__(self, meter: ElectricityMeter, seal: MeterSeal, random: Callable[[int], bytes]) -> None:
        config = meter.config
        if config.control_mode not in ARMED_MODES:
            modes = ", ".join(str(int(mode)) for mode in sorted(ARMED_MODES))
            raise SettingError(f"control_mode is {int(config.control_mode)}; a sealed meter needs one of {modes}")
        if seal.system_title != config.system_title:
            raise SettingError(f"the seal is that of {seal.system_title.hex()}, not of {config.system_title.hex()}")
        self.meter = meter
        self.commands = SealedCommands(meter, seal, random)
        meter.agenda.add(self.commands)
        clients = {sap: ClientAccess(_RIGHTS, AssociationLN(CURRENT_ASSOCIATION)) for sap in SUBMITTERS}
        self._own = LogicalDevice(self.commands.objects(), clients)
        self._nudges: list[tuple[float, int]] = []

    def server_settings(self) -> ServerSettings:
        """As the meter's own, with this in front of its device."""
        return replace(self.meter.server_settings(), devices={SERVER_SAP: self})

    def get(
        self,
        association: Association,
        descriptor: CosemAttributeDescriptor,
        selection: SelectiveAccess | None,
        now: float,
    ) -> bytes | DataAccessResult:
        """See `LogicalDevice.get`."""
        if descriptor.instance_id in _OWN:
            self.meter.advance(now)
            return self._own.get(association, descriptor, selection, now)
        return self.meter.get(association, descriptor, selection, now)

    def set(
        self,
        association: Association,
        descriptor: CosemAttributeDescriptor,
        selection: SelectiveAccess | None,
        value: bytes,
        now: float,
    ) -> DataAccessResult:
        """See `LogicalDevice.set`."""
        if descriptor.instance_id in _OWN:
            return self._own.set(association, descriptor, selection, value, now)
        if verb_of_set(descriptor) is not None:
            return DataAccessResult.READ_WRITE_DENIED
        return self.meter.set(association, descriptor, selection, value, now)

    def action(
        self, association: Association, descriptor: CosemMethodDescriptor, argument: bytes | None, now: float
    ) -> tuple[ActionResult, bytes | None]:
        """See `LogicalDevice.action`."""
        if verb_of_action(descriptor) is None or self._is_nudge(descriptor, argument, now):
            return self.meter.action(association, descriptor, argument, now)
        return ActionResult.READ_WRITE_DENIED, None

    def _is_nudge(self, descriptor: CosemMethodDescriptor, argument: bytes | None, now: float) -> bool:
        """Whether this shifts the clock by no more than what is left of the day's seconds, which it uses up."""
        if descriptor != _SHIFT:
            return False
        try:
            seconds = Clock.shift_time.parameter.from_data(decode_data(argument or b""))
        except DecodeError:
            return False
        self._nudges = [(at, size) for at, size in self._nudges if at > now - DAY_S]
        if abs(seconds) + sum(size for _, size in self._nudges) > NUDGE_S_PER_DAY:
            return False
        self._nudges.append((now, abs(seconds)))
        return True
