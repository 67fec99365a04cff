"""What goes out in exchange formats, read back by other people's programs and by our own importers."""

from __future__ import annotations

import io
import os
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import nemreader
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
import xmlschema

from espi_shape import misshapen
from openami.backoffice.mdm.billing.runs import Billing
from openami.backoffice.mdm.interfaces.arrow import to_table, write_arrow, write_months
from openami.backoffice.mdm.interfaces.events import import_events, stored_events
from openami.backoffice.mdm.interfaces.exporting import Exporter
from openami.backoffice.mdm.judge import Judge
from openami.model.interval import utc
from openami.model.obis import ObisCode
from openami.model.quality import Quality
from openami.protocols.exchange.cim_events import CODES, EventRecord, parse_cim_events, write_events
from openami.protocols.exchange.cim_readings import parse_cim_readings, write_readings
from openami.protocols.exchange.espi import EspiSummary, write_espi
from openami.protocols.exchange.mscons import Party, write_mscons
from openami.protocols.exchange.nem12 import MARKET_TIME, parse_nem12, write_nem12

START = datetime(2026, 2, 10, tzinfo=UTC)
END = START + timedelta(days=4)
NOW = datetime(2026, 2, 20, tzinfo=UTC)
GAP = range(130, 135)
"""Quarter hours without a snapshot: six intervals are missing until somebody estimates them."""


@pytest.fixture
def exporter(house):
    whole = 4 * 96 + 1
    house.mdm.take_profile([house.reading(0, GAP[0]), house.reading(GAP[-1] + 1, whole - GAP[-1] - 1)])
    house.mdm.take_register([house.register(96, 9_600)])
    return Exporter(house.store, house.registry, house.mdm)


def channels(exporter, house):
    return exporter.channels([house.point], START, END)


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_nem12_is_read_by_nemreader(exporter, house, tmp_path):
    file = tmp_path / "out.csv"
    days = exporter.nem12(channels(exporter, house), NOW)
    file.write_text("".join(write_nem12(days, NOW, "MDP1", "RET1")), newline="")
    read = nemreader.NEMFile(str(file), strict=True).nem_data().readings["P1"]["E1"]
    assert len(read) == 3 * 96
    told = {each.t_end.replace(tzinfo=MARKET_TIME): each for each in read}
    for each in house.mdm.series(house.point, 1, START, END).stamps.tolist():
        at = utc(each)
        if at not in told:
            continue
        missing = START + timedelta(minutes=15 * GAP[0]) <= at <= START + timedelta(minutes=15 * (GAP[-1] + 1))
        assert told[at].read_value == (0 if missing else pytest.approx(0.1))
        assert told[at].quality_method == ("N" if missing else "A")
        assert told[at].meter_serial_number == "M1"


def test_nem12_tells_the_method_of_an_estimate(exporter, house):
    Judge(house.store, house.registry).judge(START, END, NOW)
    text = "".join(write_nem12(exporter.nem12(channels(exporter, house), NOW), NOW, "MDP1", "RET1"))
    first = (GAP[0] + 40) % 96  # market midnight is 14:00 UTC, 40 quarter hours before the next one of UTC
    assert re.search(rf"^400,{first},{first + 5},S(17|14|18),,\r$", text, re.MULTILINE)


def test_nem12_comes_back(exporter, house):
    text = "".join(write_nem12(exporter.nem12(channels(exporter, house), NOW), NOW, "MDP1", "RET1"))
    days = list(parse_nem12([text.encode()]))
    assert len(days) == 3
    assert sum(value is None for day in days for value in day.values) == len(GAP) + 1
    assert {value for day in days for value in day.values} == {Decimal(100), None}


def test_cim_comes_back(exporter, house):
    text = "".join(write_readings(exporter.cim(channels(exporter, house)), NOW, "here", "1"))
    (block,) = parse_cim_readings([text.encode()])
    assert (block.point, block.obis, block.resolution_s) == ("P1", ObisCode(1, 0, 1, 8, 0), 900)
    series = house.mdm.series(house.point, 1, START, END)
    pairs = zip(series.values.tolist(), series.quality.tolist(), strict=True)
    told = [None if code == Quality.MISSING else value for value, code in pairs]
    assert list(block.values) == told
    assert list(block.stamps) == series.stamps.tolist()


ATOM, ESPI = "{http://www.w3.org/2005/Atom}", "{http://naesb.org/espi}"


@pytest.fixture
def feed(exporter, house):
    """Four days, of which two were billed; a run that reaches beyond them is not part of it."""
    billing = Billing(house.store, house.registry)
    billing.store_plans('[[plan]]\nname = "home"\nregister = "all"\ndemand_window_s = 900\n', NOW)
    for first, after in ((11, 12), (13, 14), (13, 16)):
        billing.run("home", date(2026, 2, first), date(2026, 2, after), NOW)
    bills = exporter.espi_summaries(house.point, START, END)
    readings = exporter.espi(channels(exporter, house))
    return "".join(write_espi("P1", "1 High <Street>", "Europe/London", readings, NOW, bills))


def test_green_button_has_the_links_that_certification_asks_for(feed):
    entries = ET.fromstring(feed).findall(f"{ATOM}entry")
    by_self, kinds = {}, {}
    for entry in entries:
        links = [(link.get("rel"), link.get("href")) for link in entry.findall(f"{ATOM}link")]
        (mine,) = [href for rel, href in links if rel == "self"]
        assert [rel for rel, _ in links].count("up") == 1
        by_self[mine] = links
        kinds[mine] = entry.find(f"{ATOM}content")[0].tag.removeprefix(ESPI)
    assert sorted(set(kinds.values())) == [
        "IntervalBlock", "LocalTimeParameters", "MeterReading", "ReadingType", "UsagePoint", "UsageSummary"
    ]  # fmt: skip
    for mine, kind in kinds.items():
        related = [href for rel, href in by_self[mine] if rel == "related"]
        if kind == "UsagePoint":
            assert {kinds.get(href) for href in related} >= {"MeterReading", "LocalTimeParameters"}
            assert f"{mine}/MeterReading" in related
            billed = [other for other, its in kinds.items() if its == "UsageSummary"]
            assert {dict(by_self[bill])["up"] for bill in billed} == {f"{mine}/UsageSummary"} <= set(related)
        if kind == "MeterReading":
            assert "ReadingType" in {kinds.get(href) for href in related}
            blocks = [other for other, its in kinds.items() if its == "IntervalBlock" and other.startswith(mine)]
            assert blocks
            assert {dict(by_self[block])["up"] for block in blocks} == {f"{mine}/IntervalBlock"} <= set(related)


def test_green_button_tells_the_values(feed):
    readings = ET.fromstring(feed).findall(f".//{ESPI}IntervalReading")
    assert len(readings) == 4 * 96 - len(GAP) - 1
    assert sum(int(reading.find(f"{ESPI}value").text) for reading in readings) == 100 * len(readings)
    kind = ET.fromstring(feed).find(f".//{ESPI}ReadingType")
    assert [kind.find(f"{ESPI}{name}").text for name in ("uom", "flowDirection", "commodity", "intervalLength")] == [
        "72", "1", "1", "900"
    ]  # fmt: skip


def test_green_button_tells_what_was_billed(feed):
    """The 11th lacks six quarter hours, so that no total is told; the 13th is whole."""
    told = [
        {child.tag.removeprefix(ESPI): child.findtext(f"{ESPI}value") or child.text for child in summary}
        for summary in ET.fromstring(feed).findall(f".//{ESPI}UsageSummary")
    ]
    assert [one.get("overallConsumptionLastPeriod") for one in told] == [None, "9600"]
    assert [one["qualityOfReading"] for one in told] == ["10", "19"]
    assert [one["peakDemand"] for one in told] == ["400", "400"]
    assert [one["tariffProfile"] for one in told] == ["home", "home"]


def test_an_estimated_bill_is_told_as_mixed():
    bill = EspiSummary(7, 0, 86_400, 5, True, True, None, None, "a < b", 100_000)
    feed = "".join(write_espi("P1", "a house", "Europe/London", [], NOW, [bill]))
    summary = ET.fromstring(feed).find(f".//{ESPI}UsageSummary")
    assert (summary.findtext(f"{ESPI}qualityOfReading"), summary.findtext(f"{ESPI}tariffProfile")) == ("13", "a < b")
    assert summary.find(f"{ESPI}peakDemand") is None
    assert list(misshapen(feed)) == []


def test_green_button_has_the_shape_of_the_schema(feed):
    assert list(misshapen(feed)) == []


COMMODITY, QUALIFIER = "<commodity>1</commodity>", "<dataQualifier>12</dataQualifier>"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("<quality>0</quality>", "<quality>good</quality>", "ReadingQuality/quality holds 'good'"),
        (COMMODITY + QUALIFIER, QUALIFIER + COMMODITY, "commodity is not there, or not in this place"),
        ("<status>1</status>", "<state>1</state>", "state is not there"),
        ("<dstOffset>3600</dstOffset>", "", "dstOffset is lacking"),
        ("<statusTimeStamp>", "<statusTimeStamp>soon ", "statusTimeStamp holds"),
        ("<MeterReading xmlns", "<Reading xmlns", "no resource"),
    ],
)
def test_what_is_not_of_that_shape_is_found(feed, old, new, said):
    assert any(said in one for one in misshapen(feed.replace(old, new)))


def test_summer_time_rules_are_those_of_the_zone(feed):
    """London: the last Sunday of March at 1:00 and the last Sunday of October at 2:00, as the schema packs it."""
    clock = ET.fromstring(feed).find(f".//{ESPI}LocalTimeParameters")
    told = {child.tag.removeprefix(ESPI): child.text for child in clock}
    assert (told["dstOffset"], told["tzOffset"]) == ("3600", "0")
    for name, month, hour in (("dstStartRule", 3, 1), ("dstEndRule", 10, 2)):
        bits = int(told[name], 16)
        assert (bits >> 28, bits >> 25 & 7, bits >> 20 & 31, bits >> 17 & 7, bits >> 12 & 31, bits & 0xFFF) == (
            month, 7, 0, 7, hour, 0
        )  # fmt: skip


def test_green_button_is_valid_by_the_published_schema(feed):
    """Only where the schema is at hand: `OPENAMI_TEST_ESPI_XSD` names NAESB's `espi.xsd` (version 4.0)."""
    schema_file = os.environ.get("OPENAMI_TEST_ESPI_XSD")
    if schema_file is None:
        pytest.skip("OPENAMI_TEST_ESPI_XSD names no schema")
    # The schema imports Atom's and uses nothing of it; copies exist that lack the default namespace of its own names.
    text = re.sub(r"<xs:import[^>]*/>", "", Path(schema_file).read_text(encoding="utf-8"))
    if 'xmlns="' not in text:
        text = text.replace("<xs:schema", '<xs:schema xmlns="http://naesb.org/espi"', 1)
    schema = xmlschema.XMLSchema(text)
    for content in ET.fromstring(feed).iter(f"{ATOM}content"):
        schema.validate(content[0])


def test_mscons(exporter, house):
    series = exporter.mscons(channels(exporter, house), START, END)
    text = "".join(write_mscons(series, Party("9900000000001"), Party("9900000000002"), NOW, "42"))
    segments = text.removeprefix("UNA:+.? '").split("'")
    assert segments[0] == "UNB+UNOC:3+9900000000001:500+9900000000002:500+260220:0000+42"
    assert "DTM+163:202602100000?+00:303" in segments
    assert segments.count("QTY+220:0.100:KWH") == 4 * 96 - len(GAP) - 1
    assert "PIA+5+1-0?:1.29.0:SRW" in segments
    registers = segments[segments.index("PIA+5+1-0?:1.8.0:SRW") + 1 :]
    assert registers[:2] == ["QTY+220:0.000:KWH", "DTM+9:202602100000?+00:303"]
    assert registers[2:4] == ["QTY+220:9.600:KWH", "DTM+9:202602110000?+00:303"]
    trailers = [segment.split("+") for segment in segments if segment.startswith("UNT")]
    heads = [at for at, segment in enumerate(segments) if segment.startswith("UNH")]
    tails = [at for at, segment in enumerate(segments) if segment.startswith("UNT")]
    assert [int(trailer[1]) for trailer in trailers] == [
        last - first + 1 for first, last in zip(heads, tails, strict=True)
    ]
    assert segments[-2] == "UNZ+2+42"


def test_mscons_tells_substitutes(exporter, house):
    Judge(house.store, house.registry).judge(START, END, NOW)
    series = exporter.mscons(channels(exporter, house), START, END)
    text = "".join(write_mscons(series, Party("1"), Party("2", "9"), NOW, "42"))
    assert text.count("QTY+67:") == len(GAP) + 1
    assert "+2:14+" in text


def test_mscons_of_a_day_of_summer_time_is_told_by_its_bounds():
    berlin = 1_774_738_800  # 2026-03-29T00:00 in Berlin
    from openami.protocols.exchange.mscons import MsconsSeries

    values = [(berlin + 900 * number, Decimal("0.1"), Quality.MEASURED) for number in range(1, 93)]
    series = MsconsSeries("P", ObisCode(1, 0, 1, 8, 0), berlin, berlin + 92 * 900, 900, values)
    text = "".join(write_mscons([series], Party("1"), Party("2"), NOW, "7"))
    assert "DTM+163:202603282300?+00:303'DTM+164:202603292200?+00:303'LIN" in text
    assert text.count("QTY+220") == 92


def test_arrow(exporter, house):
    table = to_table(channels(exporter, house))
    assert table.num_rows == 4 * 96
    assert table.column("value").null_count == len(GAP) + 1
    out = io.BytesIO()
    assert write_arrow(channels(exporter, house), out) == 4 * 96
    assert pa.ipc.open_stream(io.BytesIO(out.getvalue())).read_all().to_pylist() == table.to_pylist()


def test_parquet_by_month(exporter, house, tmp_path):
    exported = exporter.channels([house.point], START - timedelta(days=11), END)
    assert write_months(exported, tmp_path) == 15 * 96
    assert sorted(each.name for each in tmp_path.iterdir()) == ["month=2026-01", "month=2026-02"]
    read = ds.dataset(tmp_path, partitioning="hive").to_table()
    assert read.num_rows == 15 * 96
    assert read.filter(ds.field("month") == "2026-01").num_rows == 2 * 96


def test_events_of_meters_go_out_as_they_came_in(house):
    """Taken from another system's EndDeviceEvents, told in ours, and read there again: what, when and of whom."""
    at = int(START.timestamp())
    sent = [
        EventRecord(0, "M1", "0.26.38.85", None, at + 60, "mains lost & back"),
        EventRecord(0, "M1", "0.12.141.212", None, at + 120, "cover <opened>"),
    ]
    sent = [replace(each, code=int(CODES[each.kind.partition(".")[2]])) for each in sent]
    text = "".join(write_events(sent, NOW, "there", "1"))
    refused = []
    import_events(house.store, house.registry, house.mdm, [text.encode()], NOW, refused.append)
    assert refused == []
    ours = list(stored_events(house.store, house.registry, START, END))
    assert sorted((each.meter, each.kind, each.at, each.text) for each in ours) == sorted(
        (each.meter, each.kind, each.at, each.text) for each in sent
    )
    again = list(parse_cim_events(["".join(write_events(ours, NOW, "here", "2")).encode()]))
    assert sorted((each.meter, each.code, each.at) for each in again) == sorted(
        (each.meter, each.code, each.at) for each in sent
    )
    assert list(stored_events(house.store, house.registry, END, END + timedelta(days=1))) == []
