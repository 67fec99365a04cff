"""What a collector read from an old meter with a key of its own, in place of what the meter would have sealed itself.

Whoever holds the collector can invent such values: they count for a meter only if the registry says that nothing
better is known of it (unauthenticated). The content is `MAGIC` and MessagePack.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from openami.model.errors import DecodeError
from openami.model.measurement import Measurement
from openami.model.obis import ObisCode
from openami.model.quality import GuaranteeClass
from openami.model.quantity import Quantity
from openami.model.unit import Unit
from openami.protocols.decode import Told

MAGIC: Final = b"OAMREAD1"
PROTOCOL: Final = "collector"
REGISTERS_MAX: Final = 64


class ReadRegister(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A register's OBIS code, its integer, scaler and COSEM unit."""

    obis: Annotated[bytes, Meta(min_length=6, max_length=6)]
    mantissa: Annotated[int, Meta(ge=-(1 << 63), le=(1 << 63) - 1)]
    scaler: Annotated[int, Meta(ge=-128, le=127)]
    unit: Annotated[int, Meta(ge=1, le=255)]


class CollectorReading(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The registers of the meter with this serial number, at a UTC second of the collector's clock."""

    serial: Annotated[str, Meta(min_length=1, max_length=64)]
    at: Annotated[int, Meta(ge=0, lt=1 << 33)]
    registers: Annotated[list[ReadRegister], Meta(min_length=1, max_length=REGISTERS_MAX)]


_UNITS: Final = {int(unit): unit for unit in Unit}
_DECODER = msgspec.msgpack.Decoder(CollectorReading)


def encode_collector_reading(reading: CollectorReading) -> bytes:
    """The content of an item in a collector's spool."""
    return MAGIC + msgspec.msgpack.encode(reading)


def tell_collector_reading(content: bytes) -> Told:
    """Whose values they are, and the values, which nothing vouches for; raises `DecodeError`."""
    if not content.startswith(MAGIC):
        raise DecodeError("no reading of a collector: it does not begin with OAMREAD1", 0)
    try:
        reading = _DECODER.decode(content[len(MAGIC) :])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DecodeError(f"a collector's reading: {error}", len(MAGIC)) from error
    at = datetime.fromtimestamp(reading.at, UTC)
    return Told(PROTOCOL, reading.serial, tuple(_measured(register, at) for register in reading.registers))


def _measured(register: ReadRegister, at: datetime) -> Measurement:
    unit = _UNITS.get(register.unit)
    if unit is None:
        raise DecodeError(f"unit {register.unit} is no COSEM unit", len(MAGIC), ("unit",))
    value = Quantity(register.mantissa, register.scaler, unit)
    guarantee = GuaranteeClass.UNAUTHENTICATED
    return Measurement(ObisCode.from_bytes(register.obis), value, at, guarantee=guarantee)
