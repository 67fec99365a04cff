"""Entering water, gas and heat meters: on the air, on the M-Bus of an electricity meter, or behind a serial server."""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from openami.backoffice.operations.mbus_session import FRAMING
from openami.backoffice.registry.registry import Registry
from openami.io.keystore.file_keystore import FileKeystore
from openami.io.keystore.meter_keys import MeterKeys
from openami.io.links.address import parse_address
from openami.model.errors import SettingError
from openami.model.point import ONE_WAY, ChannelKind
from openami.model.quality import GuaranteeClass
from openami.model.unit import Unit
from openami.protocols.mbus.obis import main_code
from openami.protocols.mbus.wireless.address import MeterAddress

BEHIND = "meter://"
COLLECTOR_LINK = re.compile(r"collector://[^/\s]+/\S+")


class MbusUnit(StrEnum):
    """What a meter's register counts in."""

    CUBIC_METRE = "m3"
    KILOWATT_HOUR = "kWh"
    MEGAJOULE = "MJ"
    ALLOCATION = "units"


UNITS = {
    MbusUnit.KILOWATT_HOUR: (Unit.WATT_HOUR, 3),
    MbusUnit.MEGAJOULE: (Unit.JOULE, 6),
    MbusUnit.CUBIC_METRE: (Unit.CUBIC_METRE, -3),
    MbusUnit.ALLOCATION: (Unit.COUNT, 0),
}


class MbusSecurity(StrEnum):
    """How a meter protects what it tells."""

    PLAIN = "plain"
    MODE_5 = "mode-5"
    MODE_7 = "mode-7"
    MODE_10 = "mode-10"
    SESSION = "session"


AUTHENTICATED = {MbusSecurity.MODE_7, MbusSecurity.MODE_10}


class MbusLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One line of a file of M-Bus meters: a metering point with its meter, and perhaps its consumer."""

    point: Annotated[str, Meta(min_length=1, max_length=64, description="Code of the metering point.")]
    address: Annotated[str, Meta(min_length=1, max_length=200, description="Service address.")]
    zone: Annotated[str, Meta(description="IANA time zone of the point's calendar, for example Europe/Berlin.")]
    mbus_address: Annotated[
        str,
        Meta(
            pattern="^[A-Za-z]{3}[.][0-9a-fA-F]{8}[.][0-9a-fA-F]{2}[.][0-9a-fA-F]{2}$",
            description="Maker, number, version, type, as `openami wmbus listen` shows it: KAM.12345678.1B.16.",
        ),
    ]
    security: Annotated[
        MbusSecurity,
        Meta(description="plain, mode-5, mode-7, mode-10, or session (AES-CTR of the extended link layer)."),
    ] = MbusSecurity.PLAIN
    key: Annotated[
        str, Meta(pattern="^([0-9a-fA-F]{32})?$", description="Its key, 32 hex digits; empty if it is plain.")
    ] = ""
    link: Annotated[
        str,
        Meta(
            description="Empty: on the air. meter://SERIAL: on that electricity meter's M-Bus. "
            "tcp://host:port, collector://NAME/ADDRESS: on the M-Bus of a serial server."
        ),
    ] = ""
    unit: Annotated[MbusUnit | None, Meta(description="m3, kWh, MJ or units; empty: as its device type has it.")] = None
    serial: Annotated[
        str, Meta(max_length=64, description="Serial number of the meter; empty: the number in its address.")
    ] = ""
    consumer: Annotated[str, Meta(max_length=200, description="Who is supplied there; may be empty.")] = ""
    since: Annotated[str, Meta(description="Since when the meter hangs there, ISO 8601; empty: now.")] = ""


def enrol_mbus_meter(registry: Registry, keystore: FileKeystore, line: MbusLine, since: datetime) -> None:
    """Enter one line within the caller's transaction; raises `Conflict` or `SettingError`."""
    _check_key(line)
    meter_address = MeterAddress.parse(line.mbus_address)
    unit = line.unit or _usual_unit(meter_address)
    code = main_code(meter_address.device_type, UNITS[unit][0])
    if code is None:
        raise SettingError(f"mbus_address {meter_address}: a device of type {meter_address.device} counts no {unit}")
    point = registry.add_point(line.point, line.address, line.zone, None)
    registry.add_channel(point.id, 1, code, ChannelKind.STAMPED_REGISTER, *UNITS[unit], 0)
    guarantee = GuaranteeClass.SHARED_KEYS if line.security in AUTHENTICATED else GuaranteeClass.UNAUTHENTICATED
    serial = line.serial or meter_address.identification
    title = meter_address.link_order
    meter = registry.add_meter(serial, title, guarantee, line.link or None, _framing(registry, line.link))
    registry.install(meter.id, point.id, since)
    if line.consumer:
        registry.supply(registry.add_consumer(line.consumer).id, point.id, since)
    if line.key:
        key = bytes.fromhex(line.key)
        keystore.put(title, MeterKeys(key, key))


def _check_key(line: MbusLine) -> None:
    if (line.security is MbusSecurity.PLAIN) == bool(line.key):
        wanted = "must be empty for a plain meter" if line.key else f"is missing: {line.security} needs one"
        raise SettingError(f"key {wanted}")


def _usual_unit(meter_address: MeterAddress) -> MbusUnit:
    """The first unit that such a device can count in: of a heat meter its energy, not its volume."""
    for unit, (of, _) in UNITS.items():
        if main_code(meter_address.device_type, of) is not None:
            return unit
    raise SettingError(
        f"mbus_address {meter_address}: nothing is known to be counted by a device of type {meter_address.device};"
        " behind a radio adapter give the meter's own address"
    )


def _framing(registry: Registry, link: str) -> str:
    """How the meter is read; raises `SettingError` for a link that leads nowhere."""
    if not link:
        return ONE_WAY
    if link.startswith(BEHIND):
        serial = link.removeprefix(BEHIND)
        if registry.meter_by_serial(serial) is None:
            raise SettingError(f"link {link}: no meter {serial} is entered; enter the electricity meter first")
        return ONE_WAY
    if not COLLECTOR_LINK.fullmatch(link):
        parse_address(link)
    return FRAMING
