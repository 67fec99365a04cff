"""Registry files: what is taken, what is refused and why, and that the same again changes nothing."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest

import stores
from openami.backoffice.mdm.master_data.exporter import write_registry
from openami.backoffice.mdm.master_data.importer import LINES_AT_ONCE, RegistryImport
from openami.backoffice.mdm.mdm import ACTIVE_ENERGY_IMPORT, Mdm
from openami.backoffice.registry.facts import FactKind
from openami.backoffice.registry.registry import Registry
from openami.backoffice.registry.timeline import Timeline
from openami.model.errors import SettingError

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HEADER = (
    "record,point,address,zone,meter,system_title,guarantee,channel,obis,kind,unit,digits,start,end,opening,closing,"
    "consumer,contract,supplier,area,feeder,transformer,resolution_s\n"
)
FILE = HEADER + (
    "point,P1,1 High Street,Europe/Berlin,,,,,,,,,,,,,,,,,,,\n"
    "meter,,,,OLD,4f414d01,2,,,,,,,,,,,,,,,,\n"
    "meter,,,,NEW,4f414d02,2,,,,,,,,,,,,,,,,\n"
    "channel,P1,,,,,,1,1-0:1.8.0*255,interval-energy,Wh,8,,,,,,,,,,,900\n"
    "installation,P1,,,OLD,,,,,,,,2026-01-01T00:00+01:00,2026-02-10T10:07+01:00,1-0:1.8.0*255=0,1-0:1.8.0*255=4060,"
    ",,,,,,\n"
    "installation,P1,,,NEW,,,,,,,,2026-02-10T10:07+01:00,,1-0:1.8.0*255=3,,,,,,,,\n"
    "supply,P1,,,,,,,,,,,2026-01-01T00:00+01:00,,,,Ann Example,,,,,,\n"
    "contract,P1,,,,,,,,,,,2026-01-01T00:00+01:00,,,,,C-1,North Power,,,,\n"
    "topology,P1,,,,,,,,,,,2026-01-01T00:00+01:00,,,,,,,A1,F1,T1,\n"
)
LINES = FILE.count("\n") - 1


@pytest.fixture(params=stores.KINDS)
def store(request):
    with stores.opened(request.param) as made:
        yield made


def take(store, text, now=NOW):
    registry = Registry(store)
    return RegistryImport(store, Mdm(store, registry), registry, now).run(io.StringIO(text, newline=""))


def written(store):
    out = io.StringIO()
    write_registry(Registry(store), Timeline(store), out)
    return out.getvalue()


def test_a_file_is_taken_and_the_same_again_changes_nothing(store):
    first = take(store, FILE)
    assert (first.changed, first.unchanged, first.rejected) == (LINES, 0, [])
    state, before = Registry(store).state(), written(store)
    again = take(store, FILE, NOW + timedelta(days=1))
    assert (again.changed, again.unchanged, again.rejected) == (0, LINES, [])
    assert Registry(store).state()[0] == state[0]
    assert written(store) == before


def test_reads_of_an_exchange_are_stamped_registers(store):
    take(store, FILE)
    registry = Registry(store)
    point = registry.point_by_code("P1").id
    reads = Mdm(store, registry).registers(point, ACTIVE_ENERGY_IMPORT, datetime(2025, 12, 1, tzinfo=UTC), NOW)
    serial = {meter.id: meter.serial for meter in registry.meters()}
    assert [(serial[read.meter], read.register) for read in reads] == [("OLD", 0), ("OLD", 4060), ("NEW", 3)]


def test_what_is_written_is_taken_elsewhere(store):
    take(store, FILE)
    text = written(store)
    with stores.opened("sqlite") as other:
        assert take(other, text).rejected == []
        assert written(other) == text


def test_an_end_told_later_is_known_later(store):
    take(store, FILE.replace(",2026-02-10T10:07+01:00,1-0:1.8.0*255=0,1-0:1.8.0*255=4060", ",,1-0:1.8.0*255=0,"))
    registry, timeline = Registry(store), Timeline(store)
    point = registry.point_by_code("P1").id
    assert len(timeline.history(FactKind.INSTALLATION, [point])) == 1, "the new meter found the old one hanging"
    take(store, FILE, NOW + timedelta(days=5))
    assert len(timeline.history(FactKind.INSTALLATION, [point])) == 2
    assert len(timeline.history(FactKind.INSTALLATION, [point], NOW + timedelta(days=1))) == 1


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("dog,P1" + "," * 21, "record 'dog' is none of"),
        ("point,P2,1 High Street,Mars/Olympus" + "," * 19, "Mars/Olympus"),
        ("point,P2,,Europe/Berlin" + "," * 19, "address is empty"),
        ("point,P1,1 High Street,Europe/London" + "," * 19, "cannot change to Europe/London"),
        ("channel,P1,,,,,,2,1-0:1.8.0*255,interval-energy,barrel,,,,,,,,,,,,900", "is no unit"),
        ("channel,P1,,,,,,2,1-0:1.8.0*255,interval-energy,Wh,,,,,,,,,,,,700", "700 s is no resolution"),
        ("channel,P1,,,,,,2,1-0:1.8.0*255,interval-energy,Wh,,,,,,,,,,,,2", "2 s is no resolution"),
        ("channel,P1,,,,,,32768,1-0:1.8.0*255,interval-energy,Wh,,,,,,,,,,,,900", "numbers go from 0 to 32767"),
        ("channel,P1,,,,,,1,1-0:2.8.0*255,interval-energy,Wh,8,,,,,,,,,,,900", "is there and differs"),
        ("supply,P9,,,,,,,,,,,2026-01-01T00:00+01:00,,,,Ann,,,,,,", "point P9 is not in the registry"),
        ("supply,P1,,,,,,,,,,,2026-01-05T00:00,,,,Ann,,,,,,", "has no offset"),
        ("supply,P1,,,,,,,,,,,2026-02-01T00:00+01:00,,,,Ben,,,,,,", "end that first"),
        ("topology,P1,,,,,,,,,,,2026-02-01T00:00Z,2026-01-01T00:00Z,,,,,,A,,,", "is not after start"),
        ("installation,P1,,,NONE,,,,,,,,2026-01-01T00:00+01:00,,,,,,,,,,", "meter NONE is not in the registry"),
        ("meter,,,,OLD,ff,2" + "," * 16, "another system title"),
        ("meter,,,,M3,xyz,2" + "," * 16, "system_title 'xyz'"),
        ("point,P2", "has not as many fields"),
    ],
)
def test_a_bad_line_is_told_and_the_rest_is_taken(line, reason):
    with stores.opened("sqlite") as store:
        take(store, FILE)
        before = written(store)
        report = take(store, HEADER + line + "\n" + FILE.split("\n")[1] + "\n")
        assert [one.line for one in report.rejected] == [2]
        assert reason in report.rejected[0].reason
        assert report.unchanged == 1
        assert written(store) == before


def test_a_meter_hangs_at_one_point_at_a_time():
    with stores.opened("sqlite") as store:
        take(store, FILE)
        more = (
            "point,P2,2 High Street,Europe/Berlin" + "," * 19 + "\n"
            "installation,P2,,,NEW,,,,,,,,2026-02-20T00:00+01:00,,,,,,,,,,\n"
        )
        report = take(store, HEADER + more)
        assert "at once" in report.rejected[0].reason
        assert Registry(store).installations_of_point(Registry(store).point_by_code("P2").id) == []


def test_a_file_that_is_none_is_refused_whole():
    with stores.opened("sqlite") as store, pytest.raises(SettingError, match="unknown: colour"):
        take(store, "record,colour\n")


def test_memory_does_not_grow_with_the_file():
    """Only a chunk of lines is asked of the stream before it is stored."""
    asked = stored = 0

    def stream():
        nonlocal asked
        yield "record,point,address,zone\n"
        for number in range(4 * LINES_AT_ONCE):
            asked += 1
            assert asked <= stored + LINES_AT_ONCE + 1
            yield f"point,P{number % 3},,Europe/Berlin\n"

    def count(_rejected):
        nonlocal stored
        stored += 1

    with stores.opened("sqlite") as store:
        registry = Registry(store)
        RegistryImport(store, Mdm(store, registry), registry, NOW).run(stream(), count)
    assert stored == 4 * LINES_AT_ONCE
