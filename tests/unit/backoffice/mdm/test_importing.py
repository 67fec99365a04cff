"""Files are imported as streams: what is good is stored, what is not is told with its line, and the same file again
changes nothing.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest

from openami.backoffice.mdm.interfaces.importing import Importer
from openami.model.obis import ObisCode
from openami.model.point import ChannelKind
from openami.model.quality import GuaranteeClass, Quality
from openami.model.unit import Unit

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = datetime(2026, 2, 19, 14, tzinfo=UTC)
"""Midnight of 20 February in the time of the Australian market."""
HEADER = "100,NEM12,202602210000,MDP1,RET1\r\n"
STREAM = "200,P1,E1,E1,E1,N1,M1,kWh,15,\r\n"


def day(values=("0.100",) * 96, date="20260220", quality="A", more=""):
    return f"300,{date},{','.join(values)},{quality},,,20260221000000,\r\n{more}"


@pytest.fixture
def take(house):
    def run(text, form="nem12", now=NOW):
        data = text if isinstance(text, bytes) else text.encode()
        rejected = []
        importer = Importer(house.store, house.registry, house.mdm, now)
        result = importer.run("a file", form, lambda: io.BytesIO(data), rejected.append)
        return result, [(each.line, each.reason) for each in rejected]

    return run


def values(house, start=DAY, hours=24):
    series = house.mdm.series(house.point, 1, start, start + timedelta(hours=hours))
    return series.values.tolist(), [Quality(code) for code in series.quality.tolist()]


def test_a_day_of_nem12(house, take):
    result, rejected = take(HEADER + STREAM + day() + "900\r\n")
    assert rejected == []
    assert (result.records, result.values, result.stored) == (1, 96, 2)  # a market day is part of two UTC days
    assert values(house) == ([100] * 96, [Quality.MEASURED] * 96)


def test_the_same_file_again_changes_nothing(house, take):
    text = HEADER + STREAM + day() + "900\r\n"
    take(text)
    before = house.versions()
    result, rejected = take(text, now=NOW + timedelta(days=5))
    assert (result.stored, rejected) == (0, [])
    assert house.versions() == before


def test_an_older_file_imported_again_does_not_undo_a_newer_one(house, take):
    first, second = (HEADER + STREAM + day((value,) * 96) + "900\r\n" for value in ("0.100", "0.200"))
    take(first)
    take(second, now=NOW + timedelta(days=1))
    take(first, now=NOW + timedelta(days=2))
    assert values(house)[0] == [200] * 96


def test_qualities_by_400_records(house, take):
    more = "400,1,4,A,,\r\n400,5,8,S14,,\r\n400,9,96,N,,\r\n"
    take(HEADER + STREAM + day(quality="V", more=more) + "900\r\n")
    told, qualities = values(house)
    assert told[:9] == [100] * 8 + [0]
    assert qualities == [Quality.MEASURED] * 4 + [Quality.ESTIMATED] * 4 + [Quality.MISSING] * 88


def test_evidence_leads_to_the_file_and_its_lines(house, take):
    take(HEADER + STREAM + day() + "900\r\n")
    evidence = house.mdm.evidence_of(house.point, 1, DAY + timedelta(minutes=15))
    assert evidence.plain.startswith(b"nem12 file, SHA-256 ")
    assert evidence.plain.endswith(b"lines 3 to 3")


def test_registers_go_before_energies_whenever_they_come(house, take):
    house.mdm.take_profile([house.reading(960, 3, step=7)])
    take(HEADER + STREAM + day() + "900\r\n")
    start = datetime(2026, 2, 10, tzinfo=UTC) + timedelta(minutes=15 * 960)
    told = house.mdm.series(house.point, 1, start, start + timedelta(minutes=60)).values.tolist()
    assert told == [7, 7, 100, 100]  # from snapshot to snapshot, then as delivered


BAD = [
    ("unknown point", HEADER + STREAM.replace("P1", "P9") + day(), 3, "'P9' is not in the registry"),
    ("unknown meter", HEADER + STREAM.replace("M1", "M9") + day(), 3, "meter 'M9' is not in the registry"),
    ("wrong unit", HEADER + STREAM.replace("kWh", "kVArh") + day(), 3, "wrong unit: channel 1-0:1.8.0*255 counts Wh"),
    ("power is no energy", HEADER + STREAM.replace("kWh", "kW") + day(), 2, "'kW' is none of an amount"),
    ("no channel", HEADER + STREAM.replace("E1,E1,E1", "B1,B1,B1") + day(), 3, "no channel for 1-0:2.8.0*255"),
    ("another length", HEADER + STREAM.replace(",15,", ",30,") + day(("1",) * 48), 3, "intervals of 1800 s"),
    ("future", HEADER + STREAM + day(date="20270220"), 3, "96 of 96 values (the first ends 2027-02-19T14:15:00Z)"),
    ("ancient", HEADER + STREAM + day(date="20010220"), 3, "they lie before 2023-02-27"),
    ("before the meter hung", HEADER + STREAM + day(date="20260101"), 3, "meter 'M1' did not hang at 'P1' then"),
    ("no date", HEADER + STREAM + day(date="20260231"), 3, "'20260231' is no date"),
    ("too fine", HEADER + STREAM + day(("0.0001",) * 96), 3, "the channel counts in steps of 10^0 Wh"),
    ("negative", HEADER + STREAM + day(("-1",) * 96), 3, "they are negative"),
    ("no number", HEADER + STREAM + day(("1e9",) * 96), 3, "'1e9' is not a decimal number"),
    ("too few values", HEADER + STREAM + day(("1",) * 90), 3, "the record is too short"),
    ("no such quality", HEADER + STREAM + day(quality="X"), 3, "'X' is no quality"),
    ("no such record", HEADER + "201,P1\r\n" + STREAM + day(), 2, "'201' is no record of NEM12"),
    ("wrong encoding", (HEADER + STREAM + day()).encode() + b"300,\xff\xfe\r\n", 4, "byte 5 of the line is not UTF-8"),
    ("a line without end", HEADER + STREAM + day() + "5" * 70_000, 4, "longer than 65536 bytes"),
]


@pytest.mark.parametrize(("text", "line", "reason"), [each[1:] for each in BAD], ids=[each[0] for each in BAD])
def test_bad_records_are_told_with_line_and_reason(take, text, line, reason):
    ended = text + (b"\r\n900\r\n" if isinstance(text, bytes) else "\r\n900\r\n")
    _, rejected = take(ended)
    assert (line, True) in [(at, reason in why) for at, why in rejected], rejected


def test_what_is_good_in_a_bad_file_is_stored(house, take):
    text = HEADER + STREAM + day(("x",) * 96, date="20260219") + day() + STREAM.replace("P1", "P9") + day() + "900\r\n"
    result, rejected = take(text)
    assert [line for line, _ in rejected] == [3, 6]
    assert result.values == 96
    assert values(house)[0] == [100] * 96


def test_a_file_that_was_cut_short(house, take):
    whole = HEADER + STREAM + day() + day(date="20260221")
    _, rejected = take(whole[:-300])
    assert [line for line, _ in rejected] == [4, 5]
    assert "too short" in rejected[0][1]
    assert "cut short" in rejected[1][1]
    assert values(house)[0] == [100] * 96


def test_utf_16_is_told(take):
    _, rejected = take((HEADER + STREAM).encode("utf-16"))
    assert rejected[0] == (1, "the file is UTF-16; write it as UTF-8")


def test_a_value_told_twice(house, take):
    text = HEADER + STREAM + day() + day() + day(("0.200",) * 96) + "900\r\n"
    for _ in range(2):
        _, rejected = take(text)
        assert [line for line, _ in rejected] == [5]
        assert "told earlier in the file, with another value" in rejected[0][1]
    assert values(house)[0] == [100] * 96


def test_a_value_told_twice_in_different_batches(house, take, monkeypatch):
    monkeypatch.setattr("openami.backoffice.mdm.interfaces.importing.BATCH_VALUES", 96)
    text = HEADER + STREAM + day() + day(("0.200",) * 96) + "900\r\n"
    for _ in range(2):
        _, rejected = take(text)
        assert [line for line, _ in rejected] == [4]
    assert values(house)[0] == [100] * 96


CSV = "metering_point,obis,kind,start,end,value,scaler,unit,quality\n"


def test_csv_with_a_zone_per_line(house, take):
    lines = [
        "P1,1-0:1.8.0*255,interval-energy,2026-02-20T00:00:00Z,2026-02-20T00:15:00Z,120,0,Wh,measured",
        "P1,1-0:1.8.0*255,interval-energy,2026-02-20T01:15:00+01:00,2026-02-20T01:30:00+01:00,0.13,0,kWh,estimated",
        "P1,1-0:1.8.0*255,interval-energy,2026-02-20T00:30:00,2026-02-20T00:45:00,120,0,Wh,measured",
        "P1,1-0:1.8.0*255,interval-energy,2026-02-20T00:45:00Z,2026-02-20T01:00:00Z,,0,Wh,missing",
        "P1,1-0:1.8.0*255,register-snapshot,,2026-02-20T00:00:00Z,5000,0,Wh,measured",
    ]
    result, rejected = take(CSV + "\n".join(lines) + "\n", "csv")
    assert [line for line, _ in rejected] == [4]
    assert "has no zone" in rejected[0][1]
    start = datetime(2026, 2, 20, tzinfo=UTC)
    told, qualities = values(house, start, 1)
    assert told == [120, 130, 0, 0]
    assert qualities == [Quality.MEASURED, Quality.ESTIMATED, Quality.MISSING, Quality.MISSING]
    assert [each.register for each in house.mdm.registers(house.point, ObisCode(1, 0, 1, 8, 0), start, start)] == [5000]
    assert result.values == 3


def cim(body, namespace="http://iec.ch/TC57/2011/MeterReadings#"):
    return f'<?xml version="1.0"?>\n<MeterReadings xmlns="{namespace}">\n{body}\n</MeterReadings>'


def block(ref="0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.3.72.0", at="2026-02-20T00:15:00Z", value="0.25", meter="M1"):
    return (
        f"<MeterReading><IntervalBlocks><IntervalReadings><timeStamp>{at}</timeStamp><value>{value}</value>"
        f'</IntervalReadings><ReadingType ref="{ref}"/></IntervalBlocks>'
        f"<Meter><mRID>{meter}</mRID></Meter></MeterReading>"
    )


def test_cim_by_meter(house, take):
    result, rejected = take(cim(block() + block(at="2026-02-20T01:30:00.000+01:00")), "cim")
    assert (result.values, rejected) == (2, [])
    assert values(house, datetime(2026, 2, 20, tzinfo=UTC), 1)[0] == [250, 250, 0, 0]


def test_cim_registers_fill_the_profile(house, take):
    ref = "0.0.2.9.1.1.12.0.0.0.0.0.0.0.0.3.72.0"
    take(cim(block(ref, value="6519") + block(ref, "2026-02-20T00:30:00Z", "6519.139")), "cim")
    assert values(house, datetime(2026, 2, 20, tzinfo=UTC), 1)[0] == [0, 139, 0, 0]


BAD_CIM = [
    ("unknown meter", cim(block(meter="M9")), "meter 'M9' is not in the registry"),
    ("no zone", cim(block(at="2026-02-20T00:15:00")), "has no zone"),
    ("power", cim(block("0.0.2.4.1.1.37.0.0.0.0.0.0.0.0.3.38.0")), "is no energy of electricity"),
    ("entity", '<!DOCTYPE a [<!ENTITY b "c">]>' + cim(block()).partition("\n")[2], "declares a document type"),
    ("another namespace", cim(block(), "http://example.org/"), "is of the namespace"),
    ("cut short", cim(block())[:-30], "this is no whole XML"),
    ("wrong encoding", cim(block()).encode() + b"\xff", "this is no whole XML"),
    ("no XML", "hello", "this is no whole XML"),
    ("a short code", cim(block("0.0.2")), "it has 18 numbers"),
]


@pytest.mark.parametrize(("text", "reason"), [each[1:] for each in BAD_CIM], ids=[each[0] for each in BAD_CIM])
def test_bad_cim(take, text, reason):
    _, rejected = take(text, "cim")
    assert any(reason in why for _, why in rejected), rejected


def test_a_meter_that_moved_tells_each_point_its_own_part(house, take):
    other = house.registry.add_point("P2", "2 High Street", "Europe/London").id
    for point in (house.point, other):
        number = 2 if point == house.point else 1
        kind = ChannelKind.INTERVAL_ENERGY
        obis = ObisCode(1, 0, 2, 8, 0)
        house.registry.add_channel(point, number, obis, kind, Unit.WATT_HOUR, 0, 900)
    new = house.registry.add_meter("M2", b"OAM00002", GuaranteeClass.SHARED_KEYS, None).id
    moved = datetime(2026, 2, 20, 0, 30, tzinfo=UTC)
    house.registry.exchange(house.meter, new, moved)
    house.registry.install(house.meter, other, moved)
    ref = "0.0.2.4.19.1.12.0.0.0.0.0.0.0.0.0.72.0"
    stamps = [f"2026-02-20T00:{minute}:00Z" for minute in (15, 30, 45)]
    text = cim("".join(block(ref, stamp, str(number)) for number, stamp in enumerate(stamps, 1)))
    result, rejected = take(text, "cim")
    assert (result.values, rejected) == (3, [])
    start = datetime(2026, 2, 20, tzinfo=UTC)
    told = [
        house.mdm.series(point, number, start, start + timedelta(hours=1))
        for point, number in ((house.point, 2), (other, 1))
    ]
    assert [series.values.tolist() for series in told] == [[1, 2, 0, 0], [0, 0, 3, 0]]
