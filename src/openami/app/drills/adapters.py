"""Whoever has a collector, or reaches its port for pushes, tells P1 and SML in the name of other meters."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from openami.app.drills.drill import Removal, drill, stands
from openami.app.drills.inner_zone import DAY, IMPORT, InnerZone, inner_zone
from openami.backoffice.operations import port_sub_meters, telegram_opening
from openami.backoffice.operations.push_store import PushState
from openami.model.obis import ObisCode
from openami.model.point import ONE_WAY, ChannelKind
from openami.model.quality import GuaranteeClass
from openami.model.unit import Unit
from openami.protocols.iec62056_21.data_set import DataSet
from openami.protocols.iec62056_21.p1 import encode_p1
from openami.protocols.sml.element import unsigned
from openami.protocols.sml.file import Message, encode_file
from openami.protocols.sml.messages import GetListResponse
from openami.protocols.sml.transport import encode_transport
from openami.protocols.sml.types import ListEntry

COLLECTOR: Final = "collector"
GAS: Final = ObisCode(7, 0, 3, 0, 0)
SERVER: Final = bytes.fromhex("0a014f414d0000000001")
_PLAIN, _SEALED = GuaranteeClass.UNAUTHENTICATED, GuaranteeClass.SHARED_KEYS


def _whoever(*_meters: object) -> bool:
    return True


def _enter(
    zone: InnerZone, serial: str, guarantee: GuaranteeClass, obis: ObisCode = IMPORT, link: str | None = None
) -> int:
    """A meter that only tells, at a point of its own; the point."""
    unit, scaler = (Unit.WATT_HOUR, 0) if obis is IMPORT else (Unit.CUBIC_METRE, -3)
    point = zone.registry.add_point(f"P-{serial}", "Hall", "Europe/London")
    zone.registry.add_channel(point.id, 1, obis, ChannelKind.STAMPED_REGISTER, unit, scaler, 0)
    meter = zone.registry.add_meter(serial, serial.encode(), guarantee, link, ONE_WAY)
    zone.registry.install(meter.id, point.id, DAY - timedelta(days=1))
    return point.id


def _reads(zone: InnerZone, point: int, obis: ObisCode = IMPORT) -> int:
    return len(zone.mdm.registers(point, obis, DAY - timedelta(days=1), DAY + timedelta(days=1)))


def _number(text: str) -> str:
    return text.encode().hex().upper()


def _p1(number: str, *beside: str) -> bytes:
    sets = [DataSet("0-0:96.1.1", (_number(number),)), DataSet("1-0:1.8.0", ("000123.456*kWh",))]
    for channel, gas in enumerate(beside, start=1):
        told = (("96.1.0", (_number(gas),)), ("24.1.0", ("003",)), ("24.2.1", ("00042.107*m3",)))
        sets += [DataSet(f"0-{channel}:{code}", values) for code, values in told]
    return encode_p1("OAM5METER", sets)


def _sml() -> bytes:
    entry = ListEntry(bytes(IMPORT), None, None, 30, 0, unsigned(123_456))
    return encode_transport(encode_file([Message(b"\x01", 0, 0, GetListResponse(None, SERVER, None, None, (entry,)))]))


@drill("A114", COLLECTOR, Removal(telegram_opening, "may_be_plain", _whoever))
def plain_telegrams_in_the_name_of_meters_that_seal() -> None:
    with inner_zone() as zone:
        here = {serial: _enter(zone, serial, _SEALED) for serial in ("LUX7", SERVER.hex())}
        plain = _enter(zone, "DSMR1", _PLAIN)
        zone.deliver([_p1("DSMR1"), _p1("LUX7"), _sml()], source="collector://c1/p1-1")
        stands(_reads(zone, plain) == 1, "a plain meter's telegram was not taken: the drill proves nothing")
        for serial, point in here.items():
            stands(not _reads(zone, point), f"meter {serial} seals, and plain bytes were believed in its name")
        stands(zone.state(PushState.QUARANTINED) == len(here), "what was refused is not kept for a person")


@drill("A115", COLLECTOR, Removal(port_sub_meters, "speaks_for", _whoever))
def a_plain_meter_speaks_for_gas_meters_that_are_not_its_own() -> None:
    with inner_zone() as zone:
        _enter(zone, "DSMR1", _PLAIN)
        own = _enter(zone, "GAS1", _PLAIN, GAS, "meter://DSMR1")
        elsewhere = _enter(zone, "GAS2", _PLAIN, GAS, "meter://DSMR2")
        sealed = _enter(zone, "GAS3", _SEALED, GAS, "meter://DSMR1")
        zone.deliver([_p1("DSMR1", "GAS1", "GAS2", "GAS3")], source="collector://c1/p1-1")
        stands(_reads(zone, own, GAS) == 1, "the meter's own gas meter was not taken: the drill proves nothing")
        stands(not _reads(zone, elsewhere, GAS), "a meter has spoken for one that hangs behind another")
        stands(not _reads(zone, sealed, GAS), "a plain meter has spoken for one that seals")
