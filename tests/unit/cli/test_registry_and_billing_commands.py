"""`openami registry` and what `openami mdm` does with bills, balances and corrections, as a user meets them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from openami.app.installation import Installation
from openami.backoffice.mdm.mdm import ACTIVE_ENERGY_IMPORT, Mdm
from openami.backoffice.registry.registry import Registry
from openami.model.reading import ProfileReading

START = datetime(2026, 2, 9, 23, tzinfo=UTC)  # local midnight in Berlin
LINES = """\
record,point,address,zone,meter,system_title,guarantee,channel,obis,kind,unit,resolution_s,start,contract,supplier,area,role
point,P-1,1 Mill Lane,Europe/Berlin,,,,,,,,,,,,,
point,P-2,2 Mill Lane,Europe/Berlin,,,,,,,,,,,,,
meter,,,,M1,01,2,,,,,,,,,,
meter,,,,M2,02,2,,,,,,,,,,
channel,P-1,,,,,,1,1-0:1.8.0*255,interval-energy,Wh,3600,,,,,
channel,P-2,,,,,,1,1-0:1.8.0*255,interval-energy,Wh,3600,,,,,
installation,P-1,,,M1,,,,,,,,2026-02-10T00:00+01:00,,,,
installation,P-2,,,M2,,,,,,,,2026-02-10T00:00+01:00,,,,
contract,P-1,,,,,,,,,,,2026-02-01T00:00+01:00,C1,North,,
topology,P-1,,,,,,,,,,,2026-02-01T00:00+01:00,,,A,
topology,P-2,,,,,,,,,,,2026-02-01T00:00+01:00,,,A,exchange
"""
PLAN = '[[plan]]\nname = "flat"\nregister = "all"\n'


@pytest.fixture
def folder(openami, tmp_path):
    """Two points, each with a day of hours of 100 and 120 Wh."""
    settings = openami("init", tmp_path / "installation", "--json").objects[0]["settings"]
    (tmp_path / "registry.csv").write_text(LINES)
    (tmp_path / "plan.toml").write_text(PLAN)
    taken = openami("registry", "import", tmp_path / "registry.csv", "--settings", settings, "--json").objects
    assert taken == [{"changed": 11, "unchanged": 0, "rejected": 0}]
    store = Installation.load(Path(settings)).open_store()
    mdm = Mdm(store, Registry(store))
    hours = np.arange(25, dtype=np.int64)
    for meter, energy in ((1, 100), (2, 120)):
        stamps, status = int(START.timestamp()) + 3_600 * hours, np.zeros(25, dtype=np.uint8)
        known_at = START + timedelta(days=2)
        mdm.take_profile(
            [ProfileReading(meter, ACTIVE_ENERGY_IMPORT, 3_600, stamps, energy * hours, status, known_at, 7)]
        )
    store.close()
    return tmp_path, ("--settings", settings)


def test_a_registry_goes_out_and_in_again(openami, folder):
    tmp_path, settings = folder
    out = tmp_path / "out.csv"
    openami("registry", "export", out, *settings)
    again = openami("registry", "import", out, *settings, "--json").objects
    assert again == [{"changed": 0, "unchanged": 11, "rejected": 0}]


def test_rejected_lines_are_told_and_the_status_is_1(openami, folder):
    tmp_path, settings = folder
    (tmp_path / "bad.csv").write_text("record,point,address,zone\npoint,P-9,,Europe/Berlin\n")
    done = openami("registry", "import", tmp_path / "bad.csv", *settings, "--json")
    assert done.status == 1
    assert done.objects[0] == {"line": 2, "error": "point: address is empty"}


def test_a_bill_from_plan_to_difference(openami, folder):
    tmp_path, settings = folder
    openami("mdm", "bill", "plans", tmp_path / "plan.toml", *settings)
    [run] = openami("mdm", "bill", "run", "flat", "2026-02-10", "2026-02-11", *settings, "--json").objects
    shown = openami("mdm", "bill", "show", run["run"], "P-1", *settings, "--json").objects
    assert [(line["line"], line["value"]) for line in shown] == [("import", 2_400), ("import.all", 2_400)]
    why = "--person", "ann", "--reason", "test load"
    openami("mdm", "edit", "propose", "P-1", "2026-02-10T00:00+01:00", "0", "0", *why, *settings)
    assert openami("mdm", "bill", "again", run["run"], *settings, "--json").objects == []
    openami("mdm", "edit", "confirm", "P-1", "1", "--person", "ben", *settings)
    told = openami("mdm", "bill", "again", run["run"], *settings, "--json").objects
    assert {(each["line"], each["difference"]) for each in told} == {("import", -200), ("import.all", -200)}
    assert openami("mdm", "bill", "check", run["run"], *settings, "--json").objects == []
    assert len(openami("mdm", "bill", "runs", *settings, "--json").objects) == 1


def test_a_balance_and_its_loss(openami, folder):
    _, settings = folder
    period = ("--from", "2026-02-10T00:00+01:00", "--to", "2026-02-11T00:00+01:00", "--hours", "24")
    [area] = openami("mdm", "balance", "area", *period, *settings, "--json").objects
    assert (area["group"], area["inflow_wh"], area["consumed_wh"], area["loss_wh"]) == ("A", 2_880, 2_400, 480)


def test_crossed_meters_are_seen_corrected_and_put_back(openami, folder):
    _, settings = folder
    asked = (
        "mdm",
        "crossed",
        "P-1",
        "P-2",
        "--from",
        "2026-02-10T00:00+01:00",
        "--person",
        "ann",
        "--reason",
        "seen on site",
    )
    [seen] = openami(*asked, *settings, "--json").objects
    assert (seen["correction"], seen["channel_days"]) == ("preview", 4)
    [done] = openami(*asked, "--yes", *settings, "--json").objects
    assert done["correction"] == 1
    openami("mdm", "crossed", "1", "--reverse", "--person", "ben", "--reason", "no", *settings)


def test_what_is_not_asked_well_is_told(openami, folder):
    _, settings = folder
    assert "is none of" in openami("mdm", "bill", "pay", *settings).err
    assert "does not take" in openami("mdm", "bill", "run", "flat", *settings).err
    assert "no billing plan" in openami("mdm", "bill", "run", "x", "2026-02-10", "2026-02-11", *settings).err
    assert "no metering point" in openami("mdm", "edit", "list", "P-7", *settings).err
    assert "two metering points" in openami("mdm", "crossed", "P-1", "P-7", *settings).err
    assert "name both points" in openami("mdm", "crossed", *settings).err
    assert openami("mdm", "crossed", "--hints", "--json", *settings).out == ""
