"""A meter of the two-seal class on the bench, and a person who submits envelopes to it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import seal_keys as keys
from meter_bench import CONFIG, Client, seeded
from openami.field.meter.access import READING
from openami.field.meter.curve import SteadyCurve
from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.sealed_meter import SealedMeter
from openami.protocols.dlms.access_result import DataAccessResult
from openami.protocols.dlms.cosem.disconnect_control import ControlMode
from openami.protocols.dlms.counters import Counters, MemoryCounters
from openami.protocols.dlms.data import decode_data, encode_data, octet_string
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor
from openami.protocols.seal.objects import CHALLENGE, SEALED_COMMAND

START = keys.NOW
MINUTE_S = 60


def make_sealed(counters: Counters | None = None, **changes: Any) -> SealedMeter:
    """A sealed meter that trusts the keys of `seal_keys`."""
    config = replace(CONFIG, **{"system_title": keys.METER, "control_mode": ControlMode.MODE_1, **changes})
    meter = ElectricityMeter(config, SteadyCurve(1000, 100), START, counters or MemoryCounters(), seeded())
    return SealedMeter(meter, keys.METER_SEAL, seeded(2))


def submit(meter: SealedMeter, envelope: bytes, now: float, sap: int = READING) -> DataAccessResult:
    """SET the envelope over the association of client `sap`."""
    descriptor = CosemAttributeDescriptor(1, SEALED_COMMAND, 2)
    return meter.set(Client(sap), descriptor, None, encode_data(octet_string(envelope)), now)


def report(meter: SealedMeter, now: float) -> tuple[int, ...]:
    """Counter, verb, stage, time, control_state."""
    raw = meter.get(Client(READING), CosemAttributeDescriptor(1, SEALED_COMMAND, 2), None, now)
    return tuple(part.value for part in decode_data(raw).value)


def challenge(meter: SealedMeter, now: float) -> bytes:
    """A fresh challenge of the meter."""
    return decode_data(meter.get(Client(READING), CosemAttributeDescriptor(1, CHALLENGE, 2), None, now)).value


def order(counter: int, now: float, **changes: Any) -> bytes:
    """An envelope that is issued at `now`."""
    return keys.envelope(counter, **{"issued_at": int(now), **changes})
