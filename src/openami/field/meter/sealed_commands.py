"""Sealed commands in the meter: opened by the gate, held to the meter's own limits, answered, delayed, carried out.

Two objects of class Data, at names that the standard leaves to manufacturers, are the way in and out:

* 0-0:128.0.0*255 sealed command: SET brings an envelope. success: scheduled; temporary-failure: the meter's own
  limits refuse it now; read-write-denied: it was not opened. GET tells what became of the last one.
* 0-0:128.0.1*255 challenge: each GET gives a new one, good for one command within ten minutes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from openami.field.meter import codes
from openami.field.meter.access import MANAGEMENT
from openami.field.meter.agenda import NEVER
from openami.field.meter.switching_limits import SwitchingLimits, random_delay_s
from openami.model.errors import DecodeError
from openami.protocols.dlms.access_result import ActionResult, DataAccessResult
from openami.protocols.dlms.action import ActionRequestNormal
from openami.protocols.dlms.cosem import data as cosem_data
from openami.protocols.dlms.cosem.attribute import Source
from openami.protocols.dlms.cosem.disconnect_control import ControlMode, DisconnectControl
from openami.protocols.dlms.cosem.refusal import Refused
from openami.protocols.dlms.counters import Persist, apply
from openami.protocols.dlms.data import (
    Data,
    DataType,
    decode_data,
    double_long_unsigned,
    enum,
    long64_unsigned,
    octet_string,
    structure,
)
from openami.protocols.seal.command import CHALLENGE_SIZE
from openami.protocols.seal.gate import CommandGate
from openami.protocols.seal.objects import CHALLENGE, SEALED_COMMAND
from openami.protocols.seal.opening import CommandRefused, MeterMoment, MeterSeal
from openami.protocols.seal.signed import SignedCommand
from openami.protocols.seal.verbs import SWITCHING, CriticalVerb

if TYPE_CHECKING:
    from openami.field.meter.electricity import ElectricityMeter

CHALLENGE_S: Final = 600
PENDING_MAX: Final = 8
ARMED_MODES: Final = frozenset({ControlMode.MODE_1, ControlMode.MODE_3, ControlMode.MODE_5, ControlMode.MODE_6})
"""Modes in which a remote reconnection only arms the disconnector: the customer closes it by hand."""
_MODE: Final = DisconnectControl.control_mode


class Stage(IntEnum):
    """What became of the last command that was opened."""

    NONE = 0
    SCHEDULED = 1
    DONE = 2
    FAILED = 3
    LIMITED = 4


@dataclass(slots=True, eq=False)
class Scheduled:
    """A command that waits; `at` is the meter's running time at which it is carried out."""

    signed: SignedCommand
    at: float


class _Inside:
    """The association of whoever carries out a sealed command: the management client's rights."""

    client_sap = MANAGEMENT


class SealedCommands:
    """A function of the meter. `random` must not be foreseeable: it gives challenges and delays."""

    __slots__ = ("_challenge", "_challenged_at", "_gate", "_last", "_limits", "_meter", "_pending", "_random", "due")

    def __init__(self, meter: ElectricityMeter, seal: MeterSeal, random: Callable[[int], bytes]) -> None:
        self._meter = meter
        self._random = random
        self._gate = CommandGate(seal, meter.counters.load)
        self._limits = SwitchingLimits(meter.records)
        self._pending: list[Scheduled] = []
        self._challenge, self._challenged_at = b"", 0.0
        self._last: tuple[SignedCommand | None, Stage, float] = None, Stage.NONE, 0.0
        self.due = NEVER

    def objects(self) -> tuple[cosem_data.Data, cosem_data.Data]:
        """The way in and out, and the challenge."""
        return (
            cosem_data.Data(SEALED_COMMAND, value=Source(self._report, self._take)),
            cosem_data.Data(CHALLENGE, value=Source(self._new_challenge)),
        )

    def submit(self, envelope: bytes, now: float) -> Stage:
        """Open `envelope` and schedule what is in it; raises `CommandRefused`, and then nothing has changed."""
        meter = self._meter
        meter.advance(now)
        live = self._challenge if now <= self._challenged_at + CHALLENGE_S else b""
        self._gate.receive(envelope, MeterMoment(meter.clock.reading(now), not meter.clock.invalid, live))
        event = self._gate.next_event()
        assert isinstance(event, Persist)
        self._gate.persisted(apply(meter.counters, event))
        accepted = self._gate.next_event()
        assert accepted is not None
        assert not isinstance(accepted, Persist)
        self._challenge = b""
        return self._schedule(accepted.signed, now)

    def act(self, second: float) -> None:
        """Carry out what is due."""
        for item in [item for item in self._pending if item.at <= self._meter.now]:
            self._pending.remove(item)
            stage = Stage.DONE if self._carry_out(item.signed) else Stage.FAILED
            self._last = item.signed, stage, item.at
            self._meter.push(codes.PUSH_ON_ALARM, self._meter.now)
        self.plan(0)

    def plan(self, second: float) -> None:
        """What waits, waits for running time, whatever the clock shows now."""
        clock = self._meter.clock
        self.due = min((clock.reading(item.at) for item in self._pending), default=NEVER)

    def _schedule(self, signed: SignedCommand, now: float) -> Stage:
        """The meter's own limits, then a time for it."""
        clock, command = self._meter.clock, signed.command
        starts = clock.true_time(command.execute_at) if command.execute_at and not clock.invalid else now
        at = max(now, starts)
        switching = signed.verb in SWITCHING
        if switching and not command.emergency:
            at += random_delay_s(self._random)
        refused = len(self._pending) >= PENDING_MAX or not self._fits(signed)
        if refused or (switching and not self._limits.allow(at)):
            self._last = signed, Stage.LIMITED, now
            return Stage.LIMITED
        if switching:
            self._limits.plan(at)
        self._pending.append(Scheduled(signed, at))
        self._last = signed, Stage.SCHEDULED, at
        self.plan(0)
        return Stage.SCHEDULED

    def _fits(self, signed: SignedCommand) -> bool:
        """What the meter refuses whoever has signed it: another image, a mode in which a reconnection closes."""
        if signed.verb is CriticalVerb.FIRMWARE_ACTIVATION:
            image = self._meter.image.image
            return image is not None and image.digest == signed.command.subject
        request = signed.request
        if isinstance(request, ActionRequestNormal):
            return True
        descriptor = request.cosem_attribute_descriptor
        if (descriptor.class_id, descriptor.attribute_id) != (_MODE.class_id, _MODE.attribute_id):
            return True
        return _decoded(request.value) in {Data(DataType.ENUM, int(mode)) for mode in ARMED_MODES}

    def _carry_out(self, signed: SignedCommand) -> bool:
        request, now, device = signed.request, self._meter.now, self._meter.device
        if not self._fits(signed):
            return False
        if isinstance(request, ActionRequestNormal):
            method, argument = request.cosem_method_descriptor, request.method_invocation_parameters
            return device.action(_Inside(), method, argument, now)[0] is ActionResult.SUCCESS
        attribute = request.cosem_attribute_descriptor
        return device.set(_Inside(), attribute, None, request.value, now) is DataAccessResult.SUCCESS

    def _take(self, value: Data, now: float) -> None:
        if value.type is not DataType.OCTET_STRING:
            raise Refused(DataAccessResult.TYPE_UNMATCHED)
        try:
            stage = self.submit(value.value, now)
        except CommandRefused:
            raise Refused(DataAccessResult.READ_WRITE_DENIED) from None
        if stage is Stage.LIMITED:
            raise Refused(DataAccessResult.TEMPORARY_FAILURE)

    def _report(self, _now: float) -> Data:
        """Counter, verb and stage of the last command, its time by the meter's clock, and the contact as it is."""
        signed, stage, at = self._last
        return structure(
            long64_unsigned(signed.counter if signed else 0),
            enum(int(signed.verb) if signed else 0),
            enum(int(stage)),
            double_long_unsigned(int(self._meter.clock.reading(at)) if signed else 0),
            enum(int(self._meter.disconnector.state)),
        )

    def _new_challenge(self, now: float) -> Data:
        self._challenge, self._challenged_at = self._random(CHALLENGE_SIZE), now
        return octet_string(self._challenge)


def _decoded(raw: bytes) -> Data | None:
    try:
        return decode_data(raw)
    except DecodeError:
        return None
