"""`openami mdm` on an installation with one house."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from openami.app.installation import Installation
from openami.backoffice.mdm.mdm import ACTIVE_ENERGY_IMPORT, Mdm
from openami.backoffice.mdm.validation.catalogue import CATALOGUE
from openami.backoffice.registry.registry import Registry
from openami.model.point import ChannelKind
from openami.model.quality import GuaranteeClass
from openami.model.reading import ProfileReading
from openami.model.unit import Unit

START = datetime(2026, 2, 10, tzinfo=UTC)
PERIOD = ("--from", "2026-02-10", "--to", "2026-02-11")


@pytest.fixture
def house(openami, tmp_path):
    """100 Wh in each quarter hour of a day; the ten from 10:00 UTC are missing."""
    settings = openami("init", tmp_path / "installation", "--json").objects[0]["settings"]
    store = Installation.load(Path(settings)).open_store()
    registry = Registry(store)
    point = registry.add_point("P-1", "1 Mill Lane", "Europe/Berlin").id
    registry.add_channel(point, 1, ACTIVE_ENERGY_IMPORT, ChannelKind.INTERVAL_ENERGY, Unit.WATT_HOUR, 0, 900)
    meter = registry.add_meter("M1", b"OAM00001", GuaranteeClass.SHARED_KEYS, None).id
    registry.install(meter, point, START)
    at = np.array([*range(41), *range(50, 97)], dtype=np.int64)
    stamps = int(START.timestamp()) + 900 * at
    status = np.zeros(len(at), dtype=np.uint8)
    known_at = START + timedelta(days=1)
    mdm = Mdm(store, registry)
    mdm.take_profile([ProfileReading(meter, ACTIVE_ENERGY_IMPORT, 900, stamps, 100 * at, status, known_at, 7)])
    store.close()
    return settings


def test_judge_and_explain(openami, house):
    judged = openami("mdm", "judge", *PERIOD, "--settings", house, "--json").objects
    assert judged == [{"points": 1, "days": 1, "stored": 1, "estimated": 10, "missing": 0}]
    assert openami("mdm", "judge", "P-1", *PERIOD, "--settings", house, "--json").objects[0]["stored"] == 0
    local = ("P-1", "2026-02-10T11:20", "--settings", house)
    told = openami("mdm", "explain", *local, "--json").objects[0]
    assert (told["start"], told["end"]) == ("2026-02-10T11:15+01:00", "2026-02-10T11:30+01:00")
    assert (told["measured"], told["value"], told["quality"], told["version"]) == (None, 100, "estimated", 1)
    missing, method = told["reasons"]
    assert (missing["name"], missing["outcome"], missing["count"]) == ("missing_interval", "refused", 10)
    assert (method["name"], method["outcome"], method["inputs"]["total"]) == ("flat", "estimated", 1_000)
    shown = openami("mdm", "explain", *local).out
    assert "missing_interval" in shown
    assert "total 1000" in shown


def test_what_nobody_judged_says_so(openami, house):
    told = openami("mdm", "explain", "P-1", "2026-02-10T01:00Z", "--settings", house, "--json").objects[0]
    assert (told["measured"], told["value"], told["version"], told["reasons"]) == (100, 100, 0, [])
    assert told["evidence"] == 7


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("explain", "P-9", "2026-02-10"), "there is no metering point 'P-9'"),
        (("explain", "P-1", "yesterday"), "TIME is 'yesterday'; write it as"),
        (("explain", "P-1", "2026-02-10", "--obis", "1-0:2.8.0"), "has no interval channel 1-0:2.8.0*255"),
        (("judge", "--from", "2026-02-11", "--to", "2026-02-10"), "lies before --from"),
    ],
)
def test_what_is_wrong_is_said(openami, house, wrong, said):
    ran = openami("mdm", *wrong, "--settings", house)
    assert ran.status == 1
    assert said in ran.err


def test_rules_and_methods_are_listed(openami):
    assert [one["rule"] for one in openami("mdm", "rules", "--json").objects] == list(CATALOGUE)
    named = {one["method"]: one["parameters"] for one in openami("mdm", "methods", "--json").objects}
    assert named["linear"] == "gap_max_s = 7200: seconds that a gap may last at most"


@pytest.mark.parametrize("command", ["judge", "explain", "rules", "methods", "score"])
def test_every_command_explains_itself(openami, command):
    assert f"openami mdm {command}" in openami("mdm", command, "--help").out


def test_close_and_kpis(openami, house):
    ran = openami("mdm", "close", "2026-02-10", "--executor", "inline", "-s", house, "--json")
    assert ran.status == 0, ran.err
    closed = ran.objects[0]
    assert [closed[name] for name in ("channels", "measured", "estimated", "missing")] == [1, 86, 10, 0]
    whole, part = openami("mdm", "kpis", "-s", house, "--json").objects
    assert (whole["day"], whole["collector"], whole["estimated"]) == ("2026-02-10", "", 10 / 96)
    assert (part["collector"], part["cause"], part["read_by_deadline"]) == ("direct", "incomplete", 0)
    assert "0.1042" in openami("mdm", "kpis", "-s", house).out
    assert "not a day" in openami("mdm", "close", "today", "-s", house).err
    assert "no executor" in openami("mdm", "close", "2026-02-10", "--executor", "moon", "-s", house).err


def test_rule_sets_are_stored_and_shown(openami, house, tmp_path):
    file = tmp_path / "sets.toml"
    file.write_text(
        '[[rule_set]]\nname = "mine"\nclass = "consumption"\nstart = 2026-01-01\n[rule_set.rules]\nspike = {}\n'
    )
    assert openami("mdm", "rulesets", file, "-s", house).status == 0
    shown = openami("mdm", "rulesets", "-s", house, "--json").objects[0]
    assert (shown["name"], shown["class"], shown["from"], shown["rules"]) == ("mine", "consumption", "2026-01-01", 1)
    file.write_text("[[rule_set]]\n")
    assert "rule sets: " in openami("mdm", "rulesets", file, "-s", house).err


def test_recent_intervals_are_copied_when_asked_for(openami, house):
    assert openami("mdm", "recent", "0", "-s", house, "--json").objects == [{"days": 0, "rows": 0}]
    assert openami("mdm", "recent", "7", "-s", house, "--json").objects[0]["days"] == 7
    assert openami("mdm", "recent", "401", "-s", house).status != 0
