"""`openami enrol` with a file of M-Bus meters: on the air, behind a meter, behind a serial server."""

from __future__ import annotations

from openami.model.quality import GuaranteeClass
from openami.protocols.mbus.wireless.address import MeterAddress

HEADER = "point,address,zone,mbus_address,security,key,link,unit,serial"
KEY = "000102030405060708090a0b0c0d0e0f"
WATER, GAS, HEAT = "OAM.10000001.01.07", "OAM.10000002.01.03", "OAM.10000003.01.04"


def line(point, address, *rest):
    return ",".join((point, "Cellar", "Europe/Berlin", address, *rest, *[""] * (5 - len(rest))))


def shown(entered):
    """Of each meter by serial number: class, link, framing, code and unit of its channel, and whether it has a key."""
    found = {}
    for meter, (channel,), keyed in entered():
        about = (meter.guarantee, meter.link, meter.framing, str(channel.obis), channel.unit.symbol)
        found[meter.serial] = (*about, keyed)
    return found


def test_meters_on_the_air_and_on_buses(enrol, entered):
    ran = enrol(
        HEADER,
        line("W-1", WATER, "mode-5", KEY),
        line("G-1", GAS, "mode-7", KEY, "", "", "GAS-9"),
        line("H-1", HEAT, "", "", "tcp://192.0.2.1:10001"),
        line("H-2", "OAM.10000004.01.04", "plain", "", "", "MJ"),
        line("A-1", "OAM.10000005.01.08", "plain", "", "meter://GAS-9"),
    )
    assert (ran.status, ran.objects[-1]) == (0, {"taken": 5, "rejected": 0})
    weak, strong = GuaranteeClass.UNAUTHENTICATED, GuaranteeClass.SHARED_KEYS
    assert shown(entered) == {
        "10000001": (weak, None, "one-way", "8-0:1.0.0*255", "m³", True),
        "GAS-9": (strong, None, "one-way", "7-0:3.0.0*255", "m³", True),
        "10000003": (weak, "tcp://192.0.2.1:10001", "mbus", "6-0:1.0.0*255", "Wh", False),
        "10000004": (weak, None, "one-way", "6-0:1.0.0*255", "J", False),
        "10000005": (weak, "meter://GAS-9", "one-way", "4-0:1.0.0*255", "", False),
    }
    assert MeterAddress.parse(WATER).link_order.hex() == "2d3c010000100107"


WRONG = {
    line("P", WATER, "mode-5"): "key is missing: mode-5 needs one",
    line("P", WATER, "plain", KEY): "key must be empty",
    line("P", WATER, "mode-9", KEY): "security is wrong",
    line("P", WATER, "mode-5", "secret"): "key is wrong",
    line("P", "OAM.1.01.07"): "mbus_address is wrong",
    line("P", WATER, "", "", "", "kWh"): "device of type water counts no kWh",
    line("P", "OAM.10000001.01.37"): "behind a radio adapter give the meter's own address",
    line("P", WATER, "", "", "meter://nobody"): "enter the electricity meter first",
    line("P", WATER, "", "", "smoke://signals"): "must begin with one of",
}


def test_lines_that_cannot_be_are_refused_with_their_reasons(enrol, entered):
    ran = enrol(HEADER, *WRONG)
    assert ran.status == 1
    for told, word in zip(ran.objects[:-1], WRONG.values(), strict=True):
        assert word in told["error"]
    assert "secret" not in ran.out + ran.err
    assert KEY not in ran.out + ran.err
    assert shown(entered) == {}


def test_a_header_that_lacks_a_column_is_told(enrol):
    ran = enrol("point,mbus_address")
    assert (ran.status, "missing: address, zone" in ran.err) == (1, True)
