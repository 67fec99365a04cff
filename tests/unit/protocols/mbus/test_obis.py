"""From a record to its OBIS code, and to none where nothing is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from openami.protocols.mbus.obis import MEDIUM_OF_DEVICE, RULES, obis_of
from openami.protocols.mbus.records import decode_records
from openami.protocols.mbus.wireless.address import DEVICE_TYPES

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "vif-obis.md"


@pytest.mark.parametrize(
    ("record", "device_type", "code"),
    [
        ("0413 00000000", 0x07, "8-0:1.0.0*255"),
        ("0413 00000000", 0x06, "9-0:1.0.0*255"),
        ("4413 00000000", 0x16, "8-0:1.2.0*255"),
        ("0413 00000000", 0x03, "7-0:3.0.0*255"),
        ("04933a 00000000", 0x03, "7-0:3.0.0*255"),
        ("0406 00000000", 0x04, "6-0:1.0.0*255"),
        ("841006 00000000", 0x0C, "6-0:1.0.1*255"),
        ("0406 00000000", 0x0A, "5-0:1.0.0*255"),
        ("0413 00000000", 0x04, "6-0:2.0.0*255"),
        ("025b 0000", 0x04, "6-0:10.0.0*255"),
        ("046e 00000000", 0x08, "4-0:1.0.0*255"),
        ("446e 00000000", 0x08, "4-0:1.2.0*255"),
        ("0403 00000000", 0x02, "1-0:1.8.0*255"),
        ("04833c 00000000", 0x02, "1-0:2.8.0*255"),
        ("842003 00000000", 0x02, "1-0:1.8.2*255"),
        ("042b 00000000", 0x02, "1-0:1.7.0*255"),
        ("02fdc8fc02 0000", 0x02, "1-0:52.7.0*255"),
        ("02fdd9fc03 0000", 0x02, "1-0:71.7.0*255"),
        ("1413 00000000", 0x07, None),
        ("840113 00000000", 0x07, None),
        ("844013 00000000", 0x07, None),
        ("0413 00000000", 0x1A, None),
        ("0293bb28 0000", 0x07, None),
        ("029328 0000", 0x07, None),
        ("84105b 00000000", 0x04, None),
        ("01fd17 00", 0x07, None),
    ],
)
def test_code(record, device_type, code):
    (decoded,) = decode_records(bytes.fromhex(record))
    found = obis_of(decoded, device_type)
    assert (None if found is None else str(found)) == code


def test_no_two_rules_say_different_things():
    keys = [(medium, rule.quantity, rule.modifier) for rule in RULES for medium in rule.media]
    assert len(keys) == len(set(keys))


def test_the_published_tables_are_the_declarations():
    devices = [f"| {code:02X} | {DEVICE_TYPES[code]} | {medium} |" for code, medium in sorted(MEDIUM_OF_DEVICE.items())]
    rules = [row(rule) for rule in RULES]
    lines = PAGE.read_text().splitlines()
    assert [line for line in lines if line.startswith("| ") and line[2:3].isalnum() and "ype" not in line] == [
        *devices,
        "| Group A | Quantity (VIF) | VIFE | Code | Tariffs | Set date |",
        *rules,
    ]


def row(rule):
    tariff = "t" if rule.tariffs else "0"
    set_date = f"`A-0:{rule.c}.2.{tariff}*255`" if rule.set_date else ""
    media = ", ".join(map(str, rule.media))
    code = f"`A-0:{rule.c}.{rule.d}.{tariff}*255`"
    return f"| {media} | {rule.quantity} | {rule.modifier} | {code} | {'yes' if rule.tariffs else ''} | {set_date} |"
