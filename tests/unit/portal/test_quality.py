"""The page of figures: what is drawn of closed days, and what it says of a day by collector and cause."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from openami.backoffice.mdm.close.close import Close
from openami.portal.quality import HEIGHT, panel, told_share
from portal_world import browser, log_in, make_district, make_operations, make_world_portal

MONDAY = date(2026, 11, 23)


def test_parts_stand_on_each_other_on_a_scale_that_just_holds_the_highest():
    drawn = panel([(MONDAY, [("estimated", 0.01), ("missing", 0.005)]), (MONDAY + timedelta(days=1), [])])
    first, second = drawn.columns
    assert drawn.grid == ((130.0, "0\u202f%"), (65.0, "1\u202f%"), (0.0, "2\u202f%"))
    assert [(part.kind, part.y, part.height) for part in first.parts] == [
        ("estimated", 65, 65),
        ("missing", 32.5, 32.5),
    ]
    assert (first.label, second.label, second.parts) == ("23 Nov", "", ())
    assert (first.slot_x, first.slot_width, second.slot_x) == (0, 50, 50)
    assert first.told == "23 Nov 2026: 1\u202f% estimated, 0.5\u202f% still missing"


def test_a_day_of_which_nothing_came_fills_the_panel():
    (only,) = panel([(MONDAY, [("measured", 1.0)])]).columns
    assert (only.parts[0].y, only.parts[0].height) == (0, HEIGHT)
    assert panel([]).columns == ()


@pytest.mark.parametrize(
    ("share", "told"),
    [(None, "–"), (0.0, "0\u202f%"), (1.0, "100\u202f%"), (0.99999, "99.9\u202f%"), (0.985, "98.5\u202f%"),
     (0.000001, "0.01\u202f%")],
)  # fmt: skip
def test_shares_are_never_rounded_to_all_or_nothing(share, told):
    assert told_share(share) == told


async def test_the_page_shows_closed_days_and_what_lacked(tmp_path):
    district = make_district(tmp_path)
    portal = make_world_portal(district, make_operations(district))
    async with browser(portal) as client:
        await log_in(client, "operator")
        before = await client.get("/operator/quality")
        for day in (17, 18, 19):
            Close(district.store).close(date(2013, 12, day), datetime(2013, 12, day + 1, 7, tzinfo=UTC))
        latest = await client.get("/operator/quality")
        gap = await client.get("/operator/quality?day=2013-12-18")
    async with browser(portal) as client:
        await log_in(client, "anna")
        refused = await client.get("/operator/quality")
    assert "No day has been closed yet" in before.text
    assert latest.text.count('href="/operator/quality?day=') == 3 * 3
    assert "19 December 2013 by collector and cause" in latest.text
    assert "18 December 2013 by collector and cause" in gap.text
    assert "nothing arrived" in gap.text
    assert "direct" in gap.text
    assert refused.status_code in {403, 404}
