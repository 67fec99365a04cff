"""Registers of a meter asked over an association: values with their units, and the bytes that say so."""

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


@dataclass(frozen=True, slots=True)
class RegistersRead:
    """(code, its name, value) of each register that the meter has, and the bytes that they came from."""

    at: datetime
    values: list[tuple[ObisCode, str, Quantity]]
    received: tuple[bytes, ...]
    plain: bytes


async def read_registers(client: DlmsClient, clock: Clock, codes: Sequence[ObisCode]) -> RegistersRead:
    """Ask an associated client's meter; registers that it does not have are left out. `DecodeError` if it has none."""
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
    return RegistersRead(at, shown, received, plain)


def _quantity(raw: bytes, scaler_unit: bytes) -> Quantity:
    value = decode_data(raw).value
    if not isinstance(value, int):
        raise DecodeError(f"a register's value is an integer, not {type(value).__name__}", 0, ("value",))
    return Register.scaler_unit.cosem_type.from_data(decode_data(scaler_unit)).quantity(value)
