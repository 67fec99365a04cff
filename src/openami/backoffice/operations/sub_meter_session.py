"""The meters on an electricity meter's M-Bus, as its MBusClient objects show them (class 72, 0-n:24.1.0)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from openami.io.links.dlms import DlmsClient
from openami.model.measurement import Measurement
from openami.model.obis import ObisCode
from openami.model.quality import GuaranteeClass
from openami.model.quantity import Quantity
from openami.protocols.dlms.access_result import DataAccessResult
from openami.protocols.dlms.cosem.attribute import Attribute
from openami.protocols.dlms.cosem.extended_register import ExtendedRegister
from openami.protocols.dlms.cosem.m_bus import MBusClient0
from openami.protocols.dlms.data import DataType, decode_data
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor
from openami.protocols.mbus.obis import main_code
from openami.protocols.mbus.wireless.address import MeterAddress

IDENTITY: tuple[Attribute[int], ...] = (
    MBusClient0.identification_number,
    MBusClient0.manufacturer_id,
    MBusClient0.slave_version,
    MBusClient0.device_type,
)
REGISTER = (ExtendedRegister.value, ExtendedRegister.scaler_unit, ExtendedRegister.capture_time)


class SubMeterRead(NamedTuple):
    """What the electricity meter knows of the meter at `address`; `plain` are the answers' A-XDR bytes."""

    address: MeterAddress
    values: tuple[Measurement, ...]
    plain: bytes


async def read_sub_meters(client: DlmsClient, channels: int) -> list[SubMeterRead]:
    """Those on channels 1 to `channels` that are installed and were read; one request for each channel."""
    found = [await _read(client, channel) for channel in range(1, channels + 1)]
    return [read for read in found if read is not None]


async def _read(client: DlmsClient, channel: int) -> SubMeterRead | None:
    asked = [_of(72, ObisCode(0, channel, 24, 1, 0), attribute.attribute_id) for attribute in IDENTITY]
    asked += [_of(4, ObisCode(0, channel, 24, 2, 1), attribute.attribute_id) for attribute in REGISTER]
    answers = await client.get_list(asked)
    octets = [answer for answer in answers if not isinstance(answer, DataAccessResult)]
    if len(octets) != len(asked):
        return None
    number, manufacturer, version, device_type = _identity(octets[:4])
    address = MeterAddress(manufacturer, f"{number:08X}", version, device_type)
    values = _values(octets[4:], device_type)
    return SubMeterRead(address, values, b"".join(octets)) if manufacturer and values else None


def _of(class_id: int, name: ObisCode, attribute: int) -> CosemAttributeDescriptor:
    return CosemAttributeDescriptor(class_id, name, attribute)


def _identity(octets: Sequence[bytes]) -> list[int]:
    pairs = zip(IDENTITY, octets, strict=True)
    return [attribute.cosem_type.from_data(decode_data(raw)) for attribute, raw in pairs]


def _values(octets: Sequence[bytes], device_type: int) -> tuple[Measurement, ...]:
    """The register under the code that its medium and unit give; nothing before the sub-meter was read."""
    value = decode_data(octets[0])
    scaler_unit = ExtendedRegister.scaler_unit.cosem_type.from_data(decode_data(octets[1]))
    captured = ExtendedRegister.capture_time.cosem_type.from_data(decode_data(octets[2])).to_utc()
    code = main_code(device_type, scaler_unit.unit)
    if value.type is DataType.NULL_DATA or code is None or captured is None:
        return ()
    quantity = Quantity(int(value.value), scaler_unit.scaler, scaler_unit.unit)
    return (Measurement(code, quantity, captured, guarantee=GuaranteeClass.UNAUTHENTICATED),)
