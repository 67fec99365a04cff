"""One meter asked now, for somebody who waits in front of a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from openami.io.clock import Clock
from openami.io.links.dlms import DlmsClient
from openami.model.errors import DecodeError
from openami.model.obis import ObisCode
from openami.model.quantity import Quantity
from openami.protocols.dlms.access_result import DataAccessResult
from openami.protocols.dlms.cosem.register import Register
from openami.protocols.dlms.data import decode_data
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor
from openami.protocols.dlms.obis_names import obis_name

LIVE = tuple(
    ObisCode(1, 0, quantity, kind, 0)
    for kind, quantities in ((8, (1, 2, 3, 4)), (7, (1, 2, 32, 52, 72, 31, 51, 71, 13)))
    for quantity in quantities
)
"""Energy registers, then what is there at the moment: power, voltages, currents, power factor."""


@dataclass(frozen=True, slots=True)
class LiveReading:
    """What the meter's registers showed at `at`: (code, its name, value), and the id of the bytes that say so."""

    meter: int
    at: datetime
    values: list[tuple[ObisCode, str, Quantity]]
    evidence: int


@dataclass(frozen=True, slots=True)
class LiveAnswer:
    """The values and the bytes that they came from."""

    at: datetime
    values: list[tuple[ObisCode, str, Quantity]]
    received: tuple[bytes, ...]
    plain: bytes


async def read_live(client: DlmsClient, clock: Clock, codes: Sequence[ObisCode] = LIVE) -> LiveAnswer:
    """Ask an associated client's meter; registers that it does not have are left out."""
    values = await client.get_list([CosemAttributeDescriptor(3, code, 2) for code in codes])
    at, received = datetime.fromtimestamp(clock.time(), UTC), tuple(client.received)
    there = [(code, raw) for code, raw in zip(codes, values, strict=True) if not isinstance(raw, DataAccessResult)]
    if not there:
        raise DecodeError("the meter has none of the registers that were asked for", 0)
    units = await client.get_list([CosemAttributeDescriptor(3, code, 3) for code, _ in there])
    received += tuple(client.received)
    shown = []
    plain = b""
    for (code, raw), unit in zip(there, units, strict=True):
        plain += raw
        if isinstance(unit, bytes):
            shown.append((code, obis_name(code), _quantity(raw, unit)))
    return LiveAnswer(at, shown, received, plain)


def _quantity(raw: bytes, scaler_unit: bytes) -> Quantity:
    value = decode_data(raw).value
    if not isinstance(value, int):
        raise DecodeError(f"a register's value is an integer, not {type(value).__name__}", 0, ("value",))
    return Register.scaler_unit.cosem_type.from_data(decode_data(scaler_unit)).quantity(value)
