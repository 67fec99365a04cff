"""Lines taken at once leave the same registry as lines taken one by one, and refuse the same with the same words."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

import stores
from openami.backoffice.mdm.master_data.fresh import FreshLines
from openami.backoffice.mdm.master_data.importer import RegistryImport
from openami.backoffice.mdm.mdm import Mdm
from openami.backoffice.registry import tables
from openami.backoffice.registry.registry import Registry

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HEADER = (
    "record,point,address,zone,meter,system_title,guarantee,channel,obis,kind,unit,start,end,opening,contract,"
    "supplier\n"
)
START = "2026-01-01T00:00+01:00"


def point(number, zone="Europe/Berlin"):
    return f"point,P{number},{number} High Street,{zone},,,,,,,,,,,,\n"


def meter(number, title=None):
    return f"meter,,,,M{number},4f414d{number if title is None else title:02x},2,,,,,,,,,\n"


def channel(number, which=1, obis="1-0:1.8.0*255", unit="Wh"):
    return f"channel,P{number},,,,,,{which},{obis},interval-energy,{unit},,,,,\n"


def hung(number, meter_number=None, opening=""):
    return f"installation,P{number},,,M{number if meter_number is None else meter_number},,,,,,,{START},,{opening},,\n"


def contract(number, supplier="North Power"):
    return f"contract,P{number},,,,,,,,,,{START},,,C-{number},{supplier}\n"


numbers = st.integers(1, 4)
lines = st.one_of(
    st.builds(point, numbers, st.sampled_from(["Europe/Berlin", "Europe/Berlin", "Europe/Nowhere"])),
    st.builds(meter, numbers, st.none() | numbers),
    st.builds(channel, numbers, st.integers(1, 2), st.sampled_from(["1-0:1.8.0*255", "1-0:2.8.0*255"])),
    st.builds(hung, numbers, st.none() | numbers, st.sampled_from(["", "", "1-0:1.8.0*255=7"])),
    st.builds(contract, numbers, st.sampled_from(["North Power", "South Power"])),
)
ORDER = ("point", "meter", "channel", "installation", "contract")
SORTED = [
    *(each(number) for each in (point, meter) for number in range(1, 5)),
    *(channel(number, which, f"1-0:{which}.8.0*255") for number in range(1, 5) for which in (1, 2)),
    *(each(number) for each in (hung, contract) for number in range(1, 5)),
]


TABLES = (
    tables.metering_point,
    tables.service_address,
    tables.meter,
    tables.channel,
    tables.installation,
    tables.registry_fact,
)


def imported(store, text):
    """The report, and the whole registry as rows without their ids' order."""
    registry = Registry(store)
    report = RegistryImport(store, Mdm(store, registry), registry, NOW).run(io.StringIO(HEADER + text, newline=""))
    with store.reading() as connection:
        told = [sorted((tuple(row) for row in connection.execute(select(table))), key=repr) for table in TABLES]
    return (report.changed, report.unchanged, [(each.line, each.reason) for each in report.rejected]), told


def both_ways(text, monkeypatch):
    with monkeypatch.context() as patch, stores.opened("sqlite") as store:
        patch.setattr(FreshLines, "take", lambda *_: frozenset())
        slowly = imported(store, text)
    with stores.opened("sqlite") as store:
        return slowly, imported(store, text)


def without_numbers(told):
    """Rows by the names of what they tell: two ways may number points, meters and facts in another order."""
    points, addresses, meters, channels, installations, facts = told
    code, serial = {row[0]: row[1] for row in points}, {row[0]: row[1] for row in meters}
    named = {
        "points": [row[1:] for row in points],
        "addresses": [(code[row[0]], *row[1:]) for row in addresses],
        "meters": [row[1:] for row in meters],
        "channels": [(code[row[0]], *row[1:]) for row in channels],
        "installations": [(code[row[0]], row[1], serial[row[2]], row[3]) for row in installations],
        "facts": [(row[1], code[row[2]], *row[3:5], told_by(row[5], serial), *row[6:]) for row in facts],
    }
    return {name: sorted(rows, key=repr) for name, rows in named.items()}


def told_by(content, serial):
    told = json.loads(content)
    return told | {"meter": serial[told["meter"]]} if "meter" in told else told


@settings(max_examples=30, derandomize=True, deadline=None)
@given(more=st.lists(lines, max_size=16), ordered=st.booleans())
def test_both_ways_leave_the_same(more, ordered):
    text = sorted(more, key=lambda line: ORDER.index(line.split(",", 1)[0])) if ordered else more
    with pytest.MonkeyPatch.context() as monkeypatch:
        one, other = both_ways("".join([*SORTED[:2], *text]), monkeypatch)
    assert one[0] == other[0]
    assert without_numbers(one[1]) == without_numbers(other[1])


@pytest.mark.parametrize("kind", stores.KINDS)
def test_a_file_of_new_things_goes_at_once(kind, monkeypatch):
    taken = []
    take = FreshLines.take
    monkeypatch.setattr(FreshLines, "take", lambda self, some: taken.append(take(self, some)) or taken[-1])
    with stores.opened(kind) as store:
        report, _ = imported(store, "".join(SORTED))
        assert report == (len(SORTED), 0, [])
        assert [len(each) for each in taken] == [4, 4, 8, 4, 4]
        assert imported(store, "".join(SORTED))[0] == (0, len(SORTED), [])


def test_the_rows_are_those_of_lines_taken_one_by_one(monkeypatch):
    one, other = both_ways("".join(SORTED), monkeypatch)
    assert one == other
