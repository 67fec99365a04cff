"""The meter's push setups: on interval, on alarm, and on power down (the last gasp)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from openami.field.meter import codes
from openami.field.meter.push import body_of
from openami.field.meter.push_policy import PORT, PUSH_CLIENT, check_client, check_port, check_protection
from openami.model.obis import ObisCode
from openami.protocols.dlms.cosem.data_protection import ProtectionParameters
from openami.protocols.dlms.cosem.interval_push import PUSH_ON_INTERVAL, interval_push_objects
from openami.protocols.dlms.cosem.push_setup import (
    ConfirmationParameters,
    PushMessage,
    PushObject,
    PushObject1,
    PushObject2,
    PushOperationMethod,
    PushSetup,
    PushSetup1,
    PushSetup2,
    RepetitionDelay,
    Restriction,
    RestrictionType,
    SendDestinationAndMethod,
    TransportService,
)
from openami.protocols.dlms.data import Data, DataType
from openami.protocols.dlms.date_time import CosemDateTime

if TYPE_CHECKING:
    from openami.field.meter.electricity import ElectricityMeter

ALARM_RETRIES: Final = 255
ALARM_REPETITION_S: Final = 600
"""Whoever keeps a meter off its network for less than 42 hours keeps no alarm back; its event log has them all."""


def push_objects(meter: ElectricityMeter) -> Iterator[PushSetup]:
    """Alarm and power down send the same four values: push setup, logical device name, clock, event code."""
    if meter.config.push_rows:
        yield _interval_setup(meter)
    alarm, power_down = (
        _push_setup(meter, code, (PushObject(40, code, 1, 0), *_EVENT))
        for code in (codes.PUSH_ON_ALARM, codes.PUSH_ON_POWER_DOWN)
    )
    _repeat(alarm, ALARM_RETRIES, ALARM_REPETITION_S)
    yield from (alarm, power_down)


def _interval_setup(meter: ElectricityMeter) -> PushSetup:
    config = meter.config
    setup = _push_setup(meter, PUSH_ON_INTERVAL, interval_push_objects(codes.LOAD_PROFILE, config.push_rows))
    setup.randomisation_start_interval = config.push_spread_s
    _repeat(setup, config.push_retries, config.push_repetition_s)
    return setup


def _repeat(setup: PushSetup, retries: int, every_s: int) -> None:
    setup.number_of_retries = retries
    if isinstance(setup, PushSetup2):
        setup.repetition_delay = RepetitionDelay(every_s, 100, 0xFFFF)
    else:
        setup.repetition_delay = every_s


def _push_setup(meter: ElectricityMeter, code: ObisCode, objects: tuple[PushObject, ...]) -> PushSetup:
    version = meter.config.push_setup_version
    given: dict[str, Any] = {
        "send_destination_and_method": SendDestinationAndMethod(
            TransportService.TCP, meter.config.push_destination.encode("ascii"), PushMessage.A_XDR_ENCODED_XDLMS_APDU
        ),
        "communication_window": (),
        "randomisation_start_interval": 0,
        "number_of_retries": 0,
    }
    if version == 0:
        setup = PushSetup(code, push_object_list=objects, repetition_delay=0, **given)
    elif version == 1:
        restricted = tuple(PushObject1(*_members(one), _UNRESTRICTED) for one in objects)
        setup = PushSetup1(code, push_object_list=restricted, repetition_delay=0, **given)
    else:
        setup = _push_setup_2(meter, code, objects, given)
    _hold_objects(meter, setup)
    if isinstance(setup, PushSetup1):
        _hold_protection(meter, setup)
        _hold_route(meter, setup)
    setup.handle(PushSetup.push, lambda _, now: meter.push(code, now))
    return setup


def _push_setup_2(
    meter: ElectricityMeter, code: ObisCode, objects: tuple[PushObject, ...], given: dict[str, Any]
) -> PushSetup2:
    never = CosemDateTime(None, None, None, None, None, None, None, None)
    setup = PushSetup2(
        code,
        push_object_list=tuple(PushObject2(*_members(one), _UNRESTRICTED, ()) for one in objects),
        repetition_delay=RepetitionDelay(0, 100, 0xFFFF),
        push_operation_method=PushOperationMethod.UNCONFIRMED_RETRY_ON_SUPPORTING_LAYER_FAILURE,
        confirmation_parameters=ConfirmationParameters(never, 0),
        **given,
    )

    def last_confirmation(_now: float) -> CosemDateTime:
        last = meter.pushes.last_confirmation
        return never if last is None else meter.clock.date_time(last)

    setup.bind(PushSetup2.last_confirmation_date_time, last_confirmation)
    setup.handle(PushSetup2.reset, lambda _, _now: meter.pushes.forget(code))
    return setup


def _hold_objects(meter: ElectricityMeter, setup: PushSetup) -> None:
    """What a client writes is read once before it counts: what cannot be pushed is not taken."""
    held = [setup.push_object_list]

    def write(wanted: tuple[PushObject, ...], now: float) -> None:
        body_of(meter, wanted, now)
        held[0] = wanted

    setup.bind(type(setup).push_object_list, lambda _now: held[0], write)


def _hold_protection(meter: ElectricityMeter, setup: PushSetup1) -> None:
    """What a client writes is checked before it counts."""
    held: list[tuple[ProtectionParameters, ...]] = [()]

    def write(wanted: tuple[ProtectionParameters, ...], _now: float) -> None:
        check_protection(meter, wanted)
        held[0] = wanted

    setup.bind(PushSetup1.push_protection_parameters, lambda _now: held[0], write)


def _hold_route(meter: ElectricityMeter, setup: PushSetup1) -> None:
    """The port that pushes leave by and the client they go to, checked before they count."""
    client = [PUSH_CLIENT]

    def write(wanted: int, _now: float) -> None:
        check_client(meter, wanted)
        client[0] = wanted

    setup.bind(PushSetup1.port_reference, lambda _now: PORT, lambda wanted, _now: check_port(wanted))
    setup.bind(PushSetup1.push_client_sap, lambda _now: client[0], write)


def _members(one: PushObject) -> tuple[int, ObisCode, int, int]:
    return one.class_id, one.logical_name, one.attribute_index, one.data_index


_UNRESTRICTED = Restriction(RestrictionType.NONE, Data(DataType.NULL_DATA, None))
_EVENT = (
    PushObject(1, codes.LOGICAL_DEVICE_NAME, 2, 0),
    PushObject(8, codes.CLOCK, 2, 0),
    PushObject(1, codes.EVENT_CODE, 2, 0),
)
