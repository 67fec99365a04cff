"""The public interface: what a token may see and nothing else, pages that follow each other, streams, and OpenAPI."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from openami.portal.api.app import make_api
from openami.portal.api.tokens import Scope, Tokens
from portal_world import GAP, HOST, MOVED, NOW, make_district

BOTH = (Scope.POINTS, Scope.READINGS)
TOKENS = {
    "operator": (None, BOTH),
    "anna": ("anna", BOTH),
    "bert": ("bert", BOTH),
    "points only": (None, (Scope.POINTS,)),
    "old": (None, BOTH),
}


@pytest.fixture(scope="module")
def district(tmp_path_factory):
    return make_district(tmp_path_factory.mktemp("api"))


@pytest.fixture(scope="module")
def secrets(district):
    tokens, made = Tokens(district.store), {}
    now = datetime.fromtimestamp(district.wall.time(), UTC)
    for number, (name, (who, scopes)) in enumerate(TOKENS.items(), 1):
        consumer = None if who is None else getattr(district, who).id
        ends = now if name == "old" else now + timedelta(days=1)
        times = (now - timedelta(days=1), ends)
        made[name] = tokens.make(name, scopes, consumer, times, lambda count, number=number: bytes([number]) * count)
    return made


@pytest.fixture(scope="module")
def api(district):
    return make_api(district.store, district.registry, district.mdm, district.clock, district.wall)


@pytest.fixture
async def ask(api, secrets):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=api), base_url=f"https://{HOST}") as client:

        async def asked(who, path, **query):
            headers = {} if who is None else {"authorization": f"Bearer {secrets.get(who, who)}"}
            return await client.get(path, params=query, headers=headers)

        yield asked


ALDER, BIRCH, CEDAR = (f"UK000100000000000{number}" for number in (1, 2, 3))
SEES = {"operator": {ALDER, BIRCH, CEDAR}, "anna": {ALDER}, "bert": {ALDER, BIRCH}}
ROUTES = ("", "/intervals", "/sums", "/registers", "/file")


async def test_every_user_at_every_route_of_every_point(ask):
    """Whoever may not see a point is told the same as of a point that is not there."""
    nowhere = (await ask("operator", "/points/NOWHERE")).json()
    for who, code, route in itertools.product(SEES, (ALDER, BIRCH, CEDAR), ROUTES):
        answer = await ask(who, f"/points/{code}{route}")
        if code in SEES[who]:
            assert answer.status_code == 200, (who, code, route, answer.text)
        else:
            assert (answer.status_code, answer.json()) == (404, nowhere), (who, code, route)


async def test_points_are_those_that_the_token_may_see(ask):
    for who, seen in SEES.items():
        items = (await ask(who, "/points")).json()["items"]
        assert {item["code"] for item in items} == seen


async def test_pages_of_points_follow_each_other(ask):
    found, after = [], 0
    while after is not None:
        answer = (await ask("operator", "/points", after=after, limit=2)).json()
        found += [item["code"] for item in answer["items"]]
        after = answer["next"]
    assert found == [ALDER, BIRCH, CEDAR]


@pytest.mark.parametrize(("who", "status"), [(None, 401), ("nonsense", 401), ("old", 401), ("points only", 403)])
async def test_without_a_token_that_holds(ask, who, status):
    for route in ROUTES[1:]:
        answer = await ask(who, f"/points/{ALDER}{route}")
        assert answer.status_code == status
    if status == 401:
        assert answer.headers["www-authenticate"] == 'Bearer realm="openami", DPoP algs="ES256"'


async def test_a_withdrawn_token(ask, district):
    now = datetime.fromtimestamp(district.wall.time(), UTC)
    tokens = Tokens(district.store)
    secret = tokens.make("passing", BOTH, None, (now, now + timedelta(days=1)), lambda count: b"w" * count)
    assert (await ask(secret, "/points")).status_code == 200
    assert tokens.withdraw("passing")
    assert (await ask(secret, "/points")).status_code == 401
    assert not tokens.withdraw("passing")


async def all_intervals(ask, who, code, start, end, limit):
    found, at = [], start.isoformat()
    while at is not None:
        answer = (
            await ask(who, f"/points/{code}/intervals", **{"from": at, "to": end.isoformat(), "limit": limit})
        ).json()
        found += answer["items"]
        at = answer["next"]
    return found


@pytest.mark.parametrize("limit", [1, 7, 48, 10_000])
async def test_pages_of_intervals_follow_each_other(ask, district, limit):
    start, end = GAP[0] - timedelta(hours=3), GAP[1] + timedelta(hours=3)
    found = await all_intervals(ask, "anna", ALDER, start, end, limit)
    series = district.mdm.series(district.alder.id, 1, start, end)
    assert [datetime.fromisoformat(each["end"]).timestamp() for each in found] == series.stamps.tolist()
    missing = [each["value"] is None for each in found]
    assert missing == [each["quality"] == "missing" for each in found]
    assert sum(missing) == 7


async def test_a_consumer_sees_the_time_of_their_own_supply(ask):
    around = {"from": MOVED - timedelta(hours=1), "to": MOVED + timedelta(hours=1)}
    ends = {}
    for who in ("operator", "anna", "bert"):
        found = await all_intervals(ask, who, ALDER, around["from"], around["to"], 100)
        ends[who] = [datetime.fromisoformat(each["end"]) for each in found]
    assert len(ends["operator"]) == 4
    assert all(end <= MOVED for end in ends["bert"])
    assert all(end > MOVED for end in ends["anna"])
    assert sorted(ends["anna"] + ends["bert"]) == ends["operator"]


async def test_sums(ask, district):
    start = datetime(2013, 10, 26, 23, tzinfo=UTC)
    query = {"from": start.isoformat(), "to": (start + timedelta(hours=25)).isoformat(), "by": "day"}
    (day,) = (await ask("anna", f"/points/{ALDER}/sums", **query)).json()["items"]
    assert day["intervals"] == 50  # the clocks went back
    assert (day["missing"], day["estimated"]) == (0, 0)
    series = district.mdm.series(district.alder.id, 1, start, start + timedelta(hours=25))
    assert day["energy_wh"] == int(series.values.sum())


async def test_registers(ask):
    around = {"from": (NOW - timedelta(days=3)).isoformat(), "to": NOW.isoformat()}
    items = (await ask("anna", f"/points/{ALDER}/registers", **around)).json()["items"]
    assert [each["meter"] for each in items] == ["SN-1001"] * 3
    assert items == sorted(items, key=lambda each: each["value"])


async def test_files(ask):
    query = {"from": (NOW - timedelta(days=1)).isoformat(), "to": NOW.isoformat()}
    text = (await ask("anna", f"/points/{ALDER}/file", **query)).text
    assert text.startswith("metering_point,obis,")
    assert len(text.splitlines()) == 1 + 47
    feed = await ask("anna", f"/points/{ALDER}/file", format="espi", **query)
    assert feed.headers["content-type"] == "application/atom+xml"
    assert feed.text.count("<IntervalReading>") == 47


BAD = [
    ({"from": "2013-10-27T00:00:00"}, "zone"),
    ({"from": "yesterday"}, ""),
    ({"from": "2014-01-01T00:00:00Z", "to": "2013-01-01T00:00:00Z"}, "must not be after"),
    ({"from": "1971-01-01T00:00:00Z", "to": "2013-01-01T00:00:00Z"}, "at most 800 days"),
    ({"from": "0001-01-01T00:00:00+14:00"}, ""),
    ({"obis": "1.8.0"}, "is not an OBIS code"),
]


@pytest.mark.parametrize(("query", "told"), BAD)
async def test_requests_that_cannot_be(ask, query, told):
    answer = await ask("operator", f"/points/{ALDER}/intervals", **query)
    assert answer.status_code == 400
    assert told in answer.json()["detail"]


async def test_the_openapi_document_names_every_route(ask):
    described = (await ask(None, "/openapi.json")).json()
    assert sorted(described["paths"]) == sorted(["/points", *(f"/points/{{point}}{route}" for route in ROUTES)])
    assert described["components"]["securitySchemes"] == {"token": {"type": "http", "scheme": "bearer"}}
    for path in described["paths"].values():
        assert {"200", "400", "401", "403", "404"} - set(path["get"]["responses"]) <= {"404"}


def test_only_a_hash_of_a_token_is_kept(district, secrets):
    with district.store.reading() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM api_token").all()
    kept = "\n".join(str(row) for row in rows)
    assert not [name for name, secret in secrets.items() if secret.removeprefix("oami_") in kept]
