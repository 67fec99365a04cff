"""The pages say why a value is what it is and what a bill's lines are made of; each reader sees their own times."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from openami.backoffice.mdm.billing.determinants import Line
from openami.backoffice.mdm.billing.plan import parse_plans
from openami.backoffice.mdm.billing.runs import Billing
from openami.backoffice.mdm.edits import Editor
from openami.backoffice.mdm.judge import Explanation, Judge
from openami.backoffice.mdm.reasons import Outcome, Reason
from openami.model.point import Channel, ChannelKind, MeteringPoint
from openami.model.quality import Quality
from openami.model.quantity import Quantity
from openami.model.unit import Unit
from openami.portal.bills import meaning, run_line
from openami.portal.ownership import Sight, whole
from openami.portal.why import why
from portal_world import GAP, IMPORT, NOW, browser, log_in, make_district, make_operations, make_world_portal

PLAN = """
[[plan]]
name = "home"
register = "low"
tiers_wh = [100000]
demand_window_s = 3600

[[plan.window]]
register = "high"
days = ["mon", "tue"]
from = "06:00"
until = "22:00"
"""
AT = int((GAP[0] + timedelta(minutes=60)).timestamp())


@pytest.fixture(scope="module")
def district(tmp_path_factory):
    district = make_district(tmp_path_factory.mktemp("why"))
    Judge(district.store, district.registry).judge(GAP[0], GAP[1], NOW, [district.alder.id])
    editor = Editor(district.store, district.registry, four_eyes=False)
    start = GAP[0] + timedelta(days=-1)
    editor.propose(district.alder.id, 1, start, [77], "display read on site", "ann.fitter", NOW)
    billing = Billing(district.store, district.registry)
    billing.store_plans(PLAN, NOW)
    billing.run("home", date(2013, 12, 1), date(2013, 12, 19), NOW)
    billing.run("home", date(2013, 6, 1), date(2013, 7, 1), NOW)
    return district


@pytest.fixture(scope="module")
def portal(district):
    return make_world_portal(district, make_operations(district))


async def page(portal, login, address):
    async with browser(portal) as client:
        await log_in(client, login)
        answer = await client.get(address)
        assert answer.status_code == 200
        return re.sub(r"\s+", " ", answer.text)


async def test_an_estimate_tells_rule_method_parameters_and_inputs(portal):
    text = await page(portal, "operator", f"/operator/points/1/reading?at={AT}")
    assert "As measured</dt><dd>nothing" in text
    assert "version 1, rules" in text
    assert "Missing interval" in text
    assert "gave the value" in text
    assert "the estimates of the gap sum to it" in text
    assert len(re.findall(r"/operator/evidence/\d+\?at=", text)) >= 2, "both registers lead to their bytes"


async def test_a_consumer_is_told_the_same_of_their_own_time(portal):
    text = await page(portal, "anna", f"/my/1/reading?at={AT}")
    assert "gave the value" in text
    assert "the estimates of the gap sum to it" in text
    assert "/operator/" not in text
    assert "is left out" not in text


async def test_a_measured_value_that_nobody_objected_to_says_so(portal):
    text = await page(portal, "anna", f"/my/1/reading?at={AT - 86_400 + 7_200}")
    assert "not yet: the day has not been closed" in text or "none had anything to say" in text


async def test_an_edit_names_the_person_to_operators_only(portal):
    at = int((GAP[0] + timedelta(days=-1, minutes=30)).timestamp())
    told = await page(portal, "operator", f"/operator/points/1/reading?at={at}")
    assert "set by a person" in told
    assert "by ann.fitter: display read on site" in told
    own = await page(portal, "anna", f"/my/1/reading?at={at}")
    assert "display read on site" in own
    assert "ann.fitter" not in own


async def test_the_lines_of_a_run_say_what_they_are_made_of(portal):
    text = await page(portal, "anna", "/my/1/bill?date=2013-12-01")
    assert "Billing run 1, plan “home”" in text
    assert "intervals from the grid that begin from 06:00 until 22:00 on mon, tue" in text
    assert "when no other register counts" in text
    assert "the part of the gross energy from 0 to 100000 Wh" in text
    assert "the highest mean power of 60 minutes without a gap; at" in text
    assert "Days that rest on estimates" in text
    assert re.search(r'href="/my/1/day\?date=2013-12-18">', text)
    assert re.search(r'href="/my/1/reading\?at=\d+">its bytes</a>', text)


async def test_a_run_over_somebody_elses_time_is_for_operators(portal):
    """In June Bert moved out and Anna in: the month as a whole is neither's."""
    assert "Billing run 2" in await page(portal, "operator", "/operator/points/1/bill?date=2013-06-01")
    assert "Billing run 2" not in await page(portal, "anna", "/my/1/bill?date=2013-06-20")


POINT = MeteringPoint(1, "P1", "1 High Street", "Europe/London", None)
CHANNEL = Channel(1, 1, IMPORT, ChannelKind.INTERVAL_ENERGY, Unit.WATT_HOUR, 0, 1800, 0)
BEGIN = datetime(2013, 7, 1, tzinfo=UTC)


def rooms(*reasons):
    told = Explanation(
        BEGIN, BEGIN + timedelta(minutes=30), None, Quality.MISSING, 0, 5, Quality.ESTIMATED, 1, NOW, "defaults", False,
        reasons,
    )  # fmt: skip
    registry = SimpleNamespace(meter=lambda number: SimpleNamespace(serial=f"SN-{number}"))
    return SimpleNamespace(judge=SimpleNamespace(explain=lambda *_: told), registry=registry)


EDGES = [[int((BEGIN - timedelta(days=days)).timestamp()), 7, 100 * days, 3] for days in (20, -1)]
ESTIMATED = Reason(0, 1, "like_day", Outcome.ESTIMATED, {"days": 3}, {"days": [-7, -14, -21], "registers": EDGES,
                                                                       "total": 900})  # fmt: skip
NOTED = Reason(0, 48, "high_low_history", Outcome.NOTED, {}, {"mean": 4711})


def test_inputs_of_before_the_supply_are_left_out():
    moved_in = BEGIN - timedelta(days=10)
    sight = Sight(POINT, ((moved_in, BEGIN + timedelta(days=300)),))
    noted, estimated = why(rooms(NOTED, ESTIMATED), sight, CHANNEL, BEGIN).steps
    assert (noted.inputs, noted.hidden) == ((), True)
    assert estimated.days == (BEGIN.astimezone(ZoneInfo("Europe/London")).date() - timedelta(days=7),)
    assert [edge.stamp for edge in estimated.edges] == [BEGIN + timedelta(days=1)]
    assert (estimated.total, estimated.hidden) == (None, True)


def test_an_operator_sees_every_input():
    noted, estimated = why(rooms(NOTED, ESTIMATED), whole(POINT), CHANNEL, BEGIN).steps
    assert (noted.inputs, noted.hidden) == ((("mean", "4711"),), False)
    assert (len(estimated.days), len(estimated.edges), estimated.hidden) == (3, 2, False)
    assert estimated.total == Quantity(900, 0, Unit.WATT_HOUR)


def test_words_of_lines():
    [plan] = parse_plans(PLAN.replace("tiers_wh = [100000]", 'tiers_wh = [100000]\nmetering = "net"'))
    assert meaning("tier.2", plan) == "the part of the net energy from 100000 Wh on"
    assert meaning("net", plan) == "intervals from the grid less into the grid"
    assert meaning("demand.high", plan).endswith("of windows that begin when high counts")
    assert meaning("register.7-0:3.1.0*255", plan).startswith("register 7-0:3.1.0*255 at the end")


def test_lines_of_contracts_tell_their_part_and_what_is_lacking():
    (plan,) = parse_plans('[[plan]]\nname = "flat"\nregister = "all"\n')
    plans = {"2026-02-15": plan}
    names = "import.all@2026-02-15", "without_contract", "tariff.solar"
    part, without, unknown = (run_line(Line(name, 5, "Wh", 1, 0, 0, 0), plans).meaning for name in names)
    assert part.startswith("intervals from the grid")
    assert part.endswith("(contract from 2026-02-15 on)")
    assert "no contract holds" in without
    assert "there is no plan" in unknown
