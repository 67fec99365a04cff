"""Every kind of bad input, for every importer: told by line and reason, the good beside it stored, and the same file
again changes nothing; and files without end in bounded memory.
"""

from __future__ import annotations

import io
import itertools
import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest

import stores
from openami.backoffice.mdm.interfaces import importing
from openami.backoffice.mdm.interfaces.events import import_events
from openami.backoffice.mdm.interfaces.importing import Importer
from openami.backoffice.mdm.master_data.importer import RegistryImport
from openami.backoffice.mdm.master_data.lines import read_lines
from openami.backoffice.operations.notes import Notes
from openami.backoffice.registry.registry import Registry
from openami.protocols.exchange import csv_readings
from openami.protocols.exchange.cim_events import parse_cim_events
from openami.protocols.exchange.parsers import PARSERS

NOW = datetime(2026, 3, 1, tzinfo=UTC)
GOOD = datetime(2026, 2, 20, tzinfo=UTC)
CSV = "metering_point,obis,start,end,value,unit"
NEM12 = "100,NEM12,202602210000,A,B"
READINGS, EVENTS = (
    (f'<?xml version="1.0"?>\n<{name} xmlns="http://iec.ch/TC57/2011/{name}#">', f"</{name}>")
    for name in ("MeterReadings", "EndDeviceEvents")
)


def csv(point="P1", day="2026-02-20", value="0.1", unit="kWh", zone="Z"):
    return f"{point},1-0:1.8.0*255,{day}T00:00:00{zone},{day}T00:15:00{zone},{value},{unit}"


def nem12(point="P1", day="2026-02-20", value="0.1", unit="kWh", zone=""):
    del zone
    values = ",".join([value] * 96)
    return f"200,{point},E1,E1,E1,N1,,{unit},15,\n300,{day.replace('-', '')},{values},A,,,20260221000000,"


def cim(point="P1", day="2026-02-20", value="0.1", unit="kWh", zone="Z"):
    multiplier, symbol = {"kWh": (3, 72), "kvarh": (3, 73), "kW": (3, 38)}[unit]
    return (
        f"<MeterReading><IntervalBlocks><IntervalReadings><timeStamp>{day}T00:15:00{zone}</timeStamp>"
        f'<value>{value}</value></IntervalReadings><ReadingType ref="0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.{multiplier}.'
        f'{symbol}.0"/></IntervalBlocks><UsagePoint><mRID>{point}</mRID></UsagePoint></MeterReading>'
    )


FORMS = {"csv": (csv, CSV, ""), "nem12": (nem12, NEM12, "900"), "cim": (cim, *READINGS)}


def file(form, *records):
    _, head, tail = FORMS[form]
    return "\n".join([head, *records, tail]).rstrip("\n") + "\n"


BAD = {
    "unknown point": ({"point": "P9"}, "is not in the registry"),
    "wrong unit": ({"unit": "kvarh"}, "wrong unit|is not known for this unit"),
    "power": ({"unit": "kW"}, "energy|none of an amount"),
    "future": ({"day": "2027-02-20"}, "they lie in the future"),
    "ancient": ({"day": "2001-02-20"}, "they lie before 2023"),
    "beyond any calendar": ({"day": "2026-02-31"}, "is no date|is not a time"),
    "before the meter hung": ({"day": "2026-01-05"}, "no meter hung"),
    "told twice": ({"value": "0.2"}, "told earlier in the file, with another value|tells them twice"),
    "negative": ({"value": "-0.1", "day": "2026-02-21"}, "they are negative"),
    "too fine": ({"value": "0.00001", "day": "2026-02-21"}, "is finer or too large"),
    "too large": ({"value": "9" * 20, "day": "2026-02-21"}, "is finer or too large"),
    "no number": ({"value": "0x10", "day": "2026-02-21"}, "is not a decimal number"),
    "no zone": ({"zone": ""}, "has no zone"),
}
CASES = [(form, name) for form in FORMS for name in BAD if (form, name) != ("nem12", "no zone")]


@pytest.fixture
def store():
    """What is refused is refused before the database: one kind is enough."""
    with stores.opened("sqlite") as made:
        yield made


@pytest.fixture
def take(house):
    def run(form, data):
        found = []
        importer = Importer(house.store, house.registry, house.mdm, NOW)
        result = importer.run("a file", form, lambda: io.BytesIO(data), found.append)
        return result, [(each.line, each.reason) for each in found]

    return run


def stored(house):
    start = GOOD - timedelta(days=2)
    series = house.mdm.series(house.point, 1, start, start + timedelta(days=4))
    return series.values.tolist(), series.quality.tolist()


@pytest.mark.parametrize(("form", "name"), CASES)
def test_a_bad_record_is_told_and_the_good_ones_are_stored(house, take, form, name):
    record = FORMS[form][0]
    changed, reason = BAD[name]
    take(form, file(form, record()).encode())
    good = stored(house)
    bad = file(form, record(), record(**changed), record()).encode()
    for _ in range(2):
        result, told = take(form, bad)
        assert any(part in told[0][1] for part in reason.split("|")), told
        assert 3 <= told[0][0] <= 6, "the line lies within the record"
        assert result.rejected == len(told) <= 2, "a record of NEM12 may be two"
        assert stored(house) == good
        versions = house.versions()
    take(form, bad)
    assert house.versions() == versions, "again, it changes nothing"


@pytest.mark.parametrize("form", ["csv", "cim"])
def test_a_zone_is_a_zone_however_it_is_written(house, take, form):
    """Not of NEM12, whose files are in the market's time as a whole."""
    record = FORMS[form][0]
    take(form, file(form, record(), record(zone="+00:00"), record(day="2026-02-21")).encode())
    before = stored(house)
    _, told = take(form, file(form, record(zone="-00:00"), record(zone="+00:00")).encode())
    assert told == []
    assert stored(house) == before


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("keep", [0.2, 0.5, 0.9])
def test_a_truncated_file(take, form, keep):
    """What came whole is stored; that the rest is lacking is told."""
    record = FORMS[form][0]
    whole = file(form, *(record(day=f"2026-02-{day}") for day in (17, 18, 19, 20, 21))).rstrip().encode()
    result, told = take(form, whole[: int(keep * len(whole))])
    assert told
    assert result.values < 5 * 96 * (form == "nem12") + 5 * (form != "nem12")
    assert take(form, whole)[1] == []


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "cp500"])
def test_another_encoding(house, take, form, encoding):
    before = house.versions()
    text = file(form, FORMS[form][0]())
    _, told = take(form, text.encode(encoding))
    if form == "cim" and encoding == "utf-16":
        assert told == [], "XML says its encoding itself"
    else:
        assert told
        assert house.versions() == before


@pytest.mark.parametrize("form", FORMS)
def test_bytes_that_are_no_text_within_a_record(take, form):
    record = FORMS[form][0]
    data = file(form, record(), record(point="P\u00e91")).encode("latin-1")
    _, told = take(form, data)
    assert told
    assert max(line for line, _ in told) <= data.count(b"\n") + 1


# Events and registry files


def happened(meter="M1", kind="3.12.141.212", at="2026-02-20T00:15:00Z"):
    return (
        f"<EndDeviceEvent><createdDateTime>{at}</createdDateTime><reason>cover</reason><Assets><mRID>{meter}</mRID>"
        f'</Assets><EndDeviceEventType ref="{kind}"/></EndDeviceEvent>'
    )


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"meter": "M9"}, "meter 'M9' is not in the registry"),
        ({"kind": "3.1.1.1"}, "has no code here"),
        ({"kind": "cover"}, "is no EndDeviceEventType"),
        ({"at": "2027-02-20T00:15:00Z"}, "lies in the future"),
        ({"at": "1901-02-20T00:15:00Z"}, "or before 1970"),
        ({"at": "2026-02-20T00:15:00"}, "has no zone"),
        ({"at": "yesterday"}, "is not a time"),
        ({"meter": ""}, "names no Assets"),
    ],
)
def test_bad_events(house, changed, reason):
    text = "\n".join([EVENTS[0], happened(), happened(**changed), happened(), EVENTS[1]])
    for count in (1, 0):
        told = []
        result = import_events(house.store, house.registry, house.mdm, [text.encode()], NOW, told.append)
        assert [(each.line, reason in each.reason) for each in told] == [(4, True)], told
        assert (result.stored, result.rejected) == (count, 1)
    assert [each.text for each in Notes(house.store).events(limit=9)] == ["cover"]


@pytest.mark.parametrize("data", [b"", b"hello", EVENTS[0].encode(), (EVENTS[0] + happened()).encode()[:-20]])
def test_events_that_are_no_message(house, data):
    told = []
    import_events(house.store, house.registry, house.mdm, [data], NOW, told.append)
    assert told


# Files without end


def csv_lines():
    for number in itertools.count():
        at = GOOD + timedelta(minutes=15 * number)
        yield f"P1,1-0:1.8.0*255,{at.isoformat()},{(at + timedelta(minutes=15)).isoformat()},{number % 7},Wh\n".encode()


def nem12_lines():
    for number in itertools.count():
        yield nem12(day=(GOOD + timedelta(days=number % 3000)).date().isoformat()).encode() + b"\n"


def cim_lines():
    for number in itertools.count():
        yield cim(day=(GOOD + timedelta(days=number % 3000)).date().isoformat()).encode() + b"\n"


def event_lines():
    for number in itertools.count():
        yield happened(at=(GOOD + timedelta(minutes=number)).isoformat()).encode() + b"\n"


ENDLESS = {
    "csv": (PARSERS["csv"], CSV, csv_lines, 400),
    "nem12": (PARSERS["nem12"], NEM12, nem12_lines, 24),
    "cim": (PARSERS["cim"], READINGS[0], cim_lines, 200),
    "cim-events": (parse_cim_events, EVENTS[0], event_lines, 300),
}


def peak(work):
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("form", ENDLESS)
def test_memory_does_not_grow_with_the_file(form, monkeypatch):
    """Ten times the records take no more memory at any moment; so will any number of them."""
    monkeypatch.setattr(csv_readings, "TOGETHER_MAX", 100)
    parse, head, records, count = ENDLESS[form]

    def read(number):
        chunks = itertools.chain([head.encode() + b"\n"], itertools.islice(records(), number))
        return sum(1 for _ in parse(chunks))

    read(count)  # what is loaded once
    few, many = peak(lambda: read(count)), peak(lambda: read(10 * count))
    assert many < 1.3 * few + 512 * 1024, "caches of the interpreter come and go"


class Endless(io.RawIOBase):
    """A file of so many days of one point, written while it is read."""

    def __init__(self, days):
        self._rest = itertools.chain(
            [(NEM12 + "\n").encode()],
            ((nem12(day=(GOOD - timedelta(days=900 - at)).date().isoformat()) + "\n").encode() for at in range(days)),
            [b"900\n"],
        )

    def readable(self):
        return True

    def read(self, size=-1):
        del size
        return next(self._rest, b"")


def test_an_import_holds_one_batch(house, monkeypatch):
    monkeypatch.setattr(importing, "BATCH_VALUES", 4 * 96)
    house.registry.install(house.registry.add_meter("M0", b"\1", house.registry.meter(house.meter).guarantee, None).id,
                           house.registry.add_point("P0", "0 High Street", "Europe/London").id,
                           GOOD - timedelta(days=1_000))  # fmt: skip

    def take(days):
        importer = Importer(house.store, house.registry, house.mdm, NOW)
        importer.run("a file", "nem12", lambda: Endless(days), lambda _: None)

    take(8)
    few, many = peak(lambda: take(16)), peak(lambda: take(96))
    assert many < 1.3 * few + 128 * 1024


def test_a_registry_file_is_a_stream(house):
    def read(number):
        lines = (f"point,Q{at},{at} High Street,Europe/London\n" for at in range(number))
        text = itertools.chain(["record,point,address,zone\n"], lines)
        return sum(1 for _ in read_lines(text))

    read(10)
    few, many = peak(lambda: read(500)), peak(lambda: read(10_000))
    assert many < 1.3 * few + 64 * 1024
    assert Registry(house.store).points()
    assert RegistryImport(house.store, house.mdm, house.registry, NOW).run(["record,point\n"]).changed == 0
