"""The meter's push setups: on interval, on alarm, and on power down (the last gasp)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from openami.field.meter import codes
from openami.model.obis import ObisCode
from openami.protocols.dlms.cosem.interval_push import interval_push_objects
from openami.protocols.dlms.cosem.push_setup import (
    PushMessage,
    PushObject,
    PushSetup,
    SendDestinationAndMethod,
    TransportService,
)

if TYPE_CHECKING:
    from openami.field.meter.electricity import ElectricityMeter


def push_objects(meter: ElectricityMeter) -> Iterator[PushSetup]:
    """Alarm and power down send the same four values: push setup, logical device name, clock, event code."""
    if meter.config.push_rows:
        yield _interval_setup(meter)
    for code in (codes.PUSH_ON_ALARM, codes.PUSH_ON_POWER_DOWN):
        yield _push_setup(meter, code, (PushObject(40, code, 1, 0), *_EVENT))


def _interval_setup(meter: ElectricityMeter) -> PushSetup:
    objects = interval_push_objects(codes.LOAD_PROFILE, meter.config.push_rows)
    setup = _push_setup(meter, codes.PUSH_ON_INTERVAL, objects)
    setup.randomisation_start_interval = meter.config.push_spread_s
    setup.number_of_retries = meter.config.push_retries
    setup.repetition_delay = meter.config.push_repetition_s
    return setup


def _push_setup(meter: ElectricityMeter, code: ObisCode, objects: tuple[PushObject, ...]) -> PushSetup:
    destination = meter.config.push_destination.encode("ascii")
    setup = PushSetup(
        code,
        push_object_list=objects,
        send_destination_and_method=SendDestinationAndMethod(
            TransportService.TCP, destination, PushMessage.A_XDR_ENCODED_XDLMS_APDU
        ),
        communication_window=(),
        randomisation_start_interval=0,
        number_of_retries=0,
        repetition_delay=0,
    )
    setup.handle(PushSetup.push, lambda _, now: meter.push(code, now))
    return setup


_EVENT = (
    PushObject(1, codes.LOGICAL_DEVICE_NAME, 2, 0),
    PushObject(8, codes.CLOCK, 2, 0),
    PushObject(1, codes.EVENT_CODE, 2, 0),
)
