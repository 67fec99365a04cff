"""`openami enrol` with a file of meters at consumer ports."""

from __future__ import annotations

COLUMNS = (
    "point,address,zone,meter_number,registers,system_title,encryption_key,authentication_key,medium,behind,unit,link"
    ",protocol"
)
KEY = "000102030405060708090a0b0c0d0e0f"
TITLE = "5341473500000007"


def line(point, number, *rest):
    return ",".join((point, "Hall", "Europe/Amsterdam", number, *rest, *[""] * (9 - len(rest))))


def shown(entered):
    """Of each meter by serial number: class, link, framing, the codes of its channels, and whether it has a key."""
    found = {}
    for meter, channels, keyed in entered():
        codes = [str(channel.obis).removesuffix("*255") for channel in channels]
        found[meter.serial] = (meter.guarantee.name, meter.link, meter.framing, codes, keyed)
    return found


def test_ports_and_what_is_told_beside(enrol, entered):
    lines = (
        line("P-1", "E0044007382246019", "tariffs"),
        line("G-1", "GAS9", "", "", "", "", "gas", "E0044007382246019"),
        line("P-2", "0a01454d480000a1b2c3"),
        line("P-3", "LUX7", "total", TITLE, KEY, KEY),
        line("H-3", "HEAT1", "", "", "", "", "heat", "LUX7", "kWh"),
        line("P-4", "10000001", "", "", "", "", "", "", "", "tcp://192.0.2.1:10001"),
        line("P-5", "0a01", "", "", "", "", "", "", "", "tcp://192.0.2.1:10002", "sml"),
    )
    ran = enrol(COLUMNS, *lines)
    assert (ran.status, ran.objects[-1]) == (0, {"taken": 7, "rejected": 0})
    energies = [f"1-0:{way}.8.{tariff}" for way in (1, 2) for tariff in (1, 2)]
    total = ["1-0:1.8.0", "1-0:2.8.0"]
    assert shown(entered) == {
        "E0044007382246019": ("UNAUTHENTICATED", None, "one-way", energies, False),
        "GAS9": ("UNAUTHENTICATED", "meter://E0044007382246019", "one-way", ["7-0:3.0.0"], False),
        "0a01454d480000a1b2c3": ("UNAUTHENTICATED", None, "one-way", total, False),
        "LUX7": ("SHARED_KEYS", None, "one-way", total, True),
        "HEAT1": ("SHARED_KEYS", "meter://LUX7", "one-way", ["6-0:1.0.0"], False),
        "10000001": ("UNAUTHENTICATED", "tcp://192.0.2.1:10001", "iec62056-21", total, False),
        "0a01": ("UNAUTHENTICATED", "tcp://192.0.2.1:10002", "sml", total, False),
    }


WRONG = {
    line("P", "A", "all"): "registers is wrong",
    line("P", "A", "", TITLE): "system_title and encryption_key go together",
    line("P", "A", "", "", KEY): "system_title and encryption_key go together",
    line("P", "A", "", "", "", KEY): "authentication_key stands alone",
    line("P", "A", "", "", "", "", "gas"): "behind is missing: at which meter's port is the gas told",
    line("P", "A", "", "", "", "", "", "B"): "behind must be empty for an electricity meter",
    line("P", "A", "", "", "", "", "gas", "B"): "enter the electricity meter first",
    line("P", "A", "", TITLE, KEY, "", "gas", "B"): "what stands behind a port has no key of its own",
    line("P", "A", "", "", "", "", "gas", "E1", "kWh"): "unit kWh: gas is not counted in it",
    line("P", "A", "", "short"): "system_title is wrong",
    line("P", "A", "", "", "", "", "", "", "", "smoke://signals"): "must begin with one of",
    line("P", "A", "", "", "", "", "gas", "E1", "", "tcp://192.0.2.1:10001"): "is not asked",
    line("P", "A", "", TITLE, KEY, "", "", "", "", "tcp://192.0.2.1:10001"): "is not asked",
}


def test_lines_that_cannot_be_are_refused_with_their_reasons(enrol, entered):
    ran = enrol(COLUMNS, line("E", "E1"), *WRONG)
    assert (ran.status, ran.objects[-1]) == (1, {"taken": 1, "rejected": len(WRONG)})
    for told, word in zip(ran.objects[:-1], WRONG.values(), strict=True):
        assert word in told["error"]
    assert KEY not in ran.out + ran.err
    assert list(shown(entered)) == ["E1"]
