"""Consumers take their own data with them; the interface for programs stands behind the portal's gate."""

from __future__ import annotations

import csv
import io
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta

import pytest

from openami.portal.api.tokens import Scope, Tokens
from portal_world import MOVED, browser, log_in, make_district, make_operations, make_world_portal

ESPI = "{http://naesb.org/espi}"


@pytest.fixture(scope="module")
def district(tmp_path_factory):
    return make_district(tmp_path_factory.mktemp("download"))


@pytest.fixture(scope="module")
def portal(district):
    return make_world_portal(district, make_operations(district))


async def file_of(portal, login, name):
    async with browser(portal) as client:
        await log_in(client, login)
        page = (await client.get("/my/1/day")).text
        assert f"/my/1/download/{name}" in page
        answer = await client.get(f"/my/1/download/{name}")
        assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
        return answer.text


async def test_csv_holds_the_time_of_ones_own_supply(portal):
    ends = {}
    for login in ("anna", "bert"):
        rows = list(csv.DictReader(io.StringIO(await file_of(portal, login, "readings.csv"))))
        ends[login] = [datetime.fromisoformat(row["end"]) for row in rows]
    assert max(ends["bert"]) == MOVED
    assert min(ends["anna"]) == MOVED + timedelta(minutes=30)


async def test_green_button_holds_the_time_of_ones_own_supply(portal, district):
    feed = ET.fromstring(await file_of(portal, "anna", "green-button.xml"))
    starts = [int(each.text) for each in feed.iterfind(f".//{ESPI}timePeriod/{ESPI}start")]
    assert min(starts) == MOVED.timestamp()
    values = [int(each.text) for each in feed.iterfind(f".//{ESPI}IntervalReading/{ESPI}value")]
    series = district.mdm.series(district.alder.id, 1, MOVED, MOVED + timedelta(days=400))
    assert sum(values) == int(series.values.sum())


async def test_the_interface_is_behind_the_gate(portal, district):
    now = datetime.fromtimestamp(district.wall.time(), UTC)
    times = (now, now + timedelta(days=1))
    secret = Tokens(district.store).make("program", [Scope.POINTS], None, times, lambda count: b"p" * count)
    async with browser(portal) as client:
        refused = await client.get("/api/v1/points")
        assert (refused.status_code, refused.json()["status_code"]) == (401, 401)
        answer = await client.get("/api/v1/points", headers={"authorization": f"Bearer {secret}"})
        assert len(answer.json()["items"]) == 3
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert (await client.get("/api/v1/nothing")).status_code == 404
    async with browser(portal, host="elsewhere.example") as client:
        answer = await client.get("/api/v1/points", headers={"authorization": f"Bearer {secret}"})
        assert answer.status_code == 421
