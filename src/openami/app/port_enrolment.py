"""Entering meters that tell their registers at a consumer port, P1 or SML, and those that P1 tells beside them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from openami.app.mbus_enrolment import COLLECTOR_LINK, UNITS, MbusUnit
from openami.backoffice.operations import local_port_session, sml_session
from openami.backoffice.registry.registry import Registry
from openami.io.keystore.file_keystore import FileKeystore
from openami.io.keystore.meter_keys import MeterKeys
from openami.io.links.address import parse_address
from openami.model.errors import SettingError
from openami.model.obis import ObisCode
from openami.model.point import ONE_WAY, ChannelKind, Meter, behind_meter
from openami.model.quality import GuaranteeClass
from openami.model.unit import Unit
from openami.protocols.mbus.obis import main_code

KEY_OR_NONE = "^([0-9a-fA-F]{32})?$"


class PortMedium(StrEnum):
    """What a meter counts."""

    ELECTRICITY = "electricity"
    GAS = "gas"
    WATER = "water"
    HEAT = "heat"
    COOLING = "cooling"


DEVICE_TYPES = {PortMedium.GAS: 0x03, PortMedium.WATER: 0x07, PortMedium.HEAT: 0x04, PortMedium.COOLING: 0x0A}
USUAL_UNITS = {
    PortMedium.GAS: MbusUnit.CUBIC_METRE,
    PortMedium.WATER: MbusUnit.CUBIC_METRE,
    PortMedium.HEAT: MbusUnit.MEGAJOULE,
    PortMedium.COOLING: MbusUnit.MEGAJOULE,
}


class PortRegisters(StrEnum):
    """Which energies an electricity meter tells."""

    TOTAL = "total"
    TARIFFS = "tariffs"


class PortProtocol(StrEnum):
    """How a meter is asked at its port: its framing in the registry."""

    IEC62056_21 = local_port_session.FRAMING
    SML = sml_session.FRAMING


ENERGIES = {
    PortRegisters.TOTAL: (ObisCode(1, 0, 1, 8, 0), ObisCode(1, 0, 2, 8, 0)),
    PortRegisters.TARIFFS: tuple(ObisCode(1, 0, c, 8, e) for c in (1, 2) for e in (1, 2)),
}


class PortLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One line of a file of meters at local ports: a metering point with its meter, and perhaps its consumer."""

    point: Annotated[str, Meta(min_length=1, max_length=64, description="Code of the metering point.")]
    address: Annotated[str, Meta(min_length=1, max_length=200, description="Service address.")]
    zone: Annotated[str, Meta(description="IANA time zone of the point's calendar, for example Europe/Berlin.")]
    meter_number: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=64,
            description="The number that it tells, as `openami p1` and `openami sml` show it. Of a meter whose "
            "telegrams are encrypted: any serial number.",
        ),
    ]
    registers: Annotated[
        PortRegisters,
        Meta(description="total (1.8.0, 2.8.0), or tariffs (1.8.1, 1.8.2, 2.8.1, 2.8.2) where P1 tells no total."),
    ] = PortRegisters.TOTAL
    system_title: Annotated[
        str,
        Meta(pattern="^([0-9a-fA-F]{16})?$", description="Of encrypted P1 the system title in front, 16 hex digits."),
    ] = ""
    encryption_key: Annotated[
        str, Meta(pattern=KEY_OR_NONE, description="Of encrypted P1 the encryption key, 32 hex digits.")
    ] = ""
    authentication_key: Annotated[
        str,
        Meta(
            pattern=KEY_OR_NONE,
            description="Of encrypted P1 the authentication key, 32 hex digits; empty if its tags cover none.",
        ),
    ] = ""
    medium: Annotated[PortMedium, Meta(description="electricity, gas, water, heat or cooling.")] = (
        PortMedium.ELECTRICITY
    )
    behind: Annotated[
        str, Meta(description="Of gas, water, heat and cooling: `meter_number` of the meter whose P1 port tells it.")
    ] = ""
    unit: Annotated[
        MbusUnit | None, Meta(description="Of gas, water, heat and cooling: m3, kWh or MJ; empty: m3, or MJ.")
    ] = None
    link: Annotated[
        str,
        Meta(
            description="Empty: it tells by itself. tcp://host:port, collector://NAME/ADDRESS: a serial server at its "
            "local port, where it is asked.",
        ),
    ] = ""
    protocol: Annotated[
        PortProtocol, Meta(description="How it is asked there: iec62056-21 (read out), or sml (its list).")
    ] = PortProtocol.IEC62056_21
    consumer: Annotated[str, Meta(max_length=200, description="Who is supplied there; may be empty.")] = ""
    since: Annotated[str, Meta(description="Since when the meter hangs there, ISO 8601; empty: now.")] = ""


def enrol_port_meter(registry: Registry, keystore: FileKeystore, line: PortLine, since: datetime) -> None:
    """Enter one line within the caller's transaction; raises `Conflict` or `SettingError`."""
    encrypted = _is_encrypted(line)
    link = _link(registry, line)
    channels = _channels(line)
    guarantee = GuaranteeClass.SHARED_KEYS if encrypted else GuaranteeClass.UNAUTHENTICATED
    if link is not None:  # what P1 tells of it is protected as the telegram is
        guarantee = _master(registry, line.behind).guarantee
    point = registry.add_point(line.point, line.address, line.zone, None)
    for number, (code, unit, scaler) in enumerate(channels, start=1):
        registry.add_channel(point.id, number, code, ChannelKind.STAMPED_REGISTER, unit, scaler, 0)
    title = bytes.fromhex(line.system_title) or line.meter_number.encode()
    meter = registry.add_meter(line.meter_number, title, guarantee, *_way(line, link))
    registry.install(meter.id, point.id, since)
    if line.consumer:
        registry.supply(registry.add_consumer(line.consumer).id, point.id, since)
    if encrypted:
        encryption_key = bytes.fromhex(line.encryption_key)
        keystore.put(title, MeterKeys(encryption_key, bytes.fromhex(line.authentication_key) or encryption_key))


def _is_encrypted(line: PortLine) -> bool:
    if bool(line.system_title) != bool(line.encryption_key):
        raise SettingError("system_title and encryption_key go together: encrypted P1 has both, other meters neither")
    if line.authentication_key and not line.encryption_key:
        raise SettingError("authentication_key stands alone: encrypted P1 has an encryption_key too")
    if line.encryption_key and line.behind:
        raise SettingError("encryption_key: what stands behind a port has no key of its own")
    return bool(line.encryption_key)


def _way(line: PortLine, behind: str | None) -> tuple[str | None, str]:
    """Link and framing."""
    if not line.link:
        return behind, ONE_WAY
    if behind or line.encryption_key:
        raise SettingError("link: what stands behind a port, or is encrypted P1, is not asked")
    if not COLLECTOR_LINK.fullmatch(line.link):
        parse_address(line.link)
    return line.link, line.protocol.value


def _link(registry: Registry, line: PortLine) -> str | None:
    electricity = line.medium is PortMedium.ELECTRICITY
    if electricity and line.behind:
        raise SettingError("behind must be empty for an electricity meter: it has a port of its own")
    if not electricity and not line.behind:
        raise SettingError(f"behind is missing: at which meter's port is the {line.medium} told")
    return behind_meter(_master(registry, line.behind)) if line.behind else None


def _master(registry: Registry, number: str) -> Meter:
    master = registry.meter_by_serial(number)
    if master is None:
        raise SettingError(f"behind {number}: no such meter is entered; enter the electricity meter first")
    return master


def _channels(line: PortLine) -> list[tuple[ObisCode, Unit, int]]:
    if line.medium is PortMedium.ELECTRICITY:
        return [(code, Unit.WATT_HOUR, 0) for code in ENERGIES[line.registers]]
    unit = line.unit or USUAL_UNITS[line.medium]
    code = main_code(DEVICE_TYPES[line.medium], UNITS[unit][0])
    if code is None:
        raise SettingError(f"unit {unit}: {line.medium} is not counted in it")
    return [(code, *UNITS[unit])]
