"""Behind instrument transformers a meter shows less than what flows: what is stored is what flowed, exactly."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from openami.backoffice.mdm.crossed import CrossedMeters, Request
from openami.backoffice.mdm.judge import Judge
from openami.backoffice.mdm.master_data.exporter import write_registry
from openami.backoffice.mdm.master_data.importer import RegistryImport
from openami.backoffice.mdm.master_data.lines import COLUMNS
from openami.backoffice.mdm.mdm import ACTIVE_ENERGY_IMPORT, Mdm
from openami.backoffice.registry.registry import Registry
from openami.backoffice.registry.timeline import Timeline
from openami.model.errors import Conflict, SettingError
from openami.model.point import ChannelKind
from openami.model.quality import Quality
from openami.model.reading import ProfileReading, RegisterReading
from openami.model.unit import Unit

START = datetime(2026, 2, 10, tzinfo=UTC)
KNOWN = START + timedelta(days=3)
HEADER = (
    "record,point,address,zone,meter,system_title,guarantee,channel,obis,kind,unit,scaler,multiplier,digits,start,end\n"
)
FILE = HEADER + (
    "point,P1,1 Mill Lane,Europe/Berlin,,,,,,,,,,,,\n"
    "meter,,,,M1,4f414d01,2,,,,,,,,,\n"
    "channel,P1,,,,,,1,1-0:1.8.0*255,interval-energy,Wh,0,{multiplier},6,,\n"
    "installation,P1,,,M1,,,,,,,,,,2026-02-10T00:00+00:00,\n"
)


def registered(store, multiplier):
    """A point whose meter shows six digits of 1 / `multiplier` of what flows; its quantity management."""
    registry = Registry(store)
    mdm = Mdm(store, registry)
    report = RegistryImport(store, mdm, registry, START).run(
        io.StringIO(FILE.format(multiplier=multiplier), newline="")
    )
    assert report.rejected == []
    return mdm


def profile(shown, first=0):
    """What the display shows at quarter hours from `first` on."""
    stamps = int(START.timestamp()) + 900 * np.arange(first, first + len(shown), dtype=np.int64)
    status = np.zeros(len(shown), dtype=np.uint8)
    registers = np.array(shown, dtype=np.int64)
    return ProfileReading(1, ACTIVE_ENERGY_IMPORT, 900, stamps, registers, status, KNOWN, 1)


def values(mdm, quarters):
    return mdm.series(1, 1, START, START + timedelta(minutes=15 * quarters)).values.tolist()


@pytest.mark.parametrize(
    ("multiplier", "factor", "scaler"), [("40", 40, 0), ("2.5", 25, -1), ("100", 100, 0), ("", 1, 0)]
)
def test_energies_are_what_flowed(store, multiplier, factor, scaler):
    mdm = registered(store, multiplier)
    mdm.take_profile([profile([7, 17, 20, 120])])
    channel = Registry(store).channel(1, 1)
    assert (channel.multiplier, channel.scaler, channel.modulus) == (factor, scaler, 10**6 * factor)
    assert values(mdm, 3) == [10 * factor, 3 * factor, 100 * factor]


def test_the_display_rolls_over(store):
    mdm = registered(store, "40")
    mdm.take_profile([profile([999_980, 999_990, 5])])
    assert values(mdm, 2) == [10 * 40, 15 * 40]


def test_single_reads_and_gaps_are_of_the_same_measure(store):
    mdm = registered(store, "40")
    mdm.take_profile([profile([0, 10]), profile([50, 60], 4)])
    mdm.take_register([RegisterReading(1, ACTIVE_ENERGY_IMPORT, START + timedelta(minutes=30), 22, KNOWN, 2)])
    (read,) = mdm.registers(1, ACTIVE_ENERGY_IMPORT, START + timedelta(minutes=16), START + timedelta(hours=1))
    assert read.register == 22 * 40
    bill = mdm.bill(1, START, START + timedelta(minutes=75))
    assert bill is not None
    assert bill.register_energy_wh == 60 * 40


def test_energies_of_other_parties_flowed_already(store):
    mdm = registered(store, "40")
    energies = profile([100, 200, 300], 1)
    measured = np.full(3, int(Quality.MEASURED))
    mdm.take_energy([ProfileReading(1, energies.obis, 900, energies.stamps, energies.registers, measured, KNOWN, 1)])
    assert values(mdm, 3) == [100, 200, 300]


def test_what_waited_for_its_place_is_multiplied_once(store):
    registry = Registry(store)
    mdm = Mdm(store, registry)
    registry.add_meter("M1", b"OAM\x01", 2, None)
    mdm.take_profile([profile([0, 10, 30])])
    point = registry.add_point("P1", "1 Mill Lane", "Europe/Berlin").id
    kind = ChannelKind.INTERVAL_ENERGY
    registry.add_channel(point, 1, ACTIVE_ENERGY_IMPORT, kind, Unit.WATT_HOUR, 0, 900, multiplier=40)
    registry.install(1, point, START)
    mdm.place_unplaced()
    assert values(mdm, 2) == [400, 800]


def test_one_quantity_has_one_multiplier(store):
    registered(store, "40")
    registry, kind = Registry(store), ChannelKind.STAMPED_REGISTER
    with pytest.raises(SettingError, match="multiplier 30"):
        registry.add_channel(1, 2, ACTIVE_ENERGY_IMPORT, kind, Unit.WATT_HOUR, 0, 0, multiplier=30)
    registry.add_channel(1, 2, ACTIVE_ENERGY_IMPORT, kind, Unit.WATT_HOUR, 0, 0, 40 * 10**6, 40)


def test_meters_of_two_measures_are_not_crossed(store):
    registered(store, "40")
    registry = Registry(store)
    other = registry.add_point("P2", "2 Mill Lane", "Europe/Berlin").id
    kind = ChannelKind.INTERVAL_ENERGY
    registry.add_channel(other, 1, ACTIVE_ENERGY_IMPORT, kind, Unit.WATT_HOUR, 0, 900, 10**6)
    registry.install(registry.add_meter("M2", b"OAM\x02", 2, None).id, other, START)
    with pytest.raises(Conflict, match="multiplier"):
        CrossedMeters(store, registry, Judge(store, registry)).preview(
            Request((1, other), START, None, "seen", "ann"), KNOWN
        )


@pytest.mark.parametrize("multiplier", ["40", "2.5", "1000", "0.1"])
def test_a_registry_that_is_written_can_be_taken_again(store, multiplier):
    mdm = registered(store, multiplier)
    out = io.StringIO()
    write_registry(Registry(store), Timeline(store), out)
    again = RegistryImport(store, mdm, Registry(store), KNOWN).run(io.StringIO(out.getvalue(), newline=""))
    assert (again.changed, again.rejected) == (0, [])


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("1", (1, 0)),
        ("1000", (1000, 0)),
        ("0.1", (1, -1)),
        ("40", (40, 0)),
        ("40.0", (400, -1)),
        ("2.50", (250, -2)),
        ("0.05", (5, -2)),
    ],
)
def test_multipliers_are_exact(given, told):
    assert COLUMNS["channel"]["multiplier"](given) == told


@pytest.mark.parametrize("given", ["0", "0.0", "-40", "4e1", "40/5", "1234567", "1.1234567", "²"])
def test_what_is_no_multiplier_is_refused(given):
    with pytest.raises(ValueError, match="write it as 40"):
        COLUMNS["channel"]["multiplier"](given)
