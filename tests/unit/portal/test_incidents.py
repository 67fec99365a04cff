"""The events page shows what calls for people, and which of it only the head-end says."""

from __future__ import annotations

from openami.backoffice.operations.alert_pipeline import Incident
from portal_world import NOW, browser, log_in, make_district, make_operations, make_world_portal

AT = NOW.timestamp()


async def test_incidents_stand_above_the_events(tmp_path, monkeypatch):
    district = make_district(tmp_path)
    operations = make_operations(district)
    incidents = [
        Incident("transformer T7", "last gasp", AT, AT, 41, {f"M{n}": None for n in range(39)}, paged=True),
        Incident("head-end", "unverified claims", AT, AT, 1234, {"": None}, paged=False),
    ]
    portal = make_world_portal(district, operations)
    async with browser(portal) as client:
        await log_in(client, "operator")
        quiet = (await client.get("/operator/events")).text
        monkeypatch.setattr(operations, "incidents", lambda: incidents)
        shown = (await client.get("/operator/events")).text
    assert "Nothing calls for anybody" in quiet
    first, second = shown.split("<tbody>")[1].split("</tbody>")[0].split("</tr><tr>")
    assert "transformer T7" in first
    assert ">39<" in first
    assert ">called<" in first
    assert "only the head-end" not in first
    assert "only the head-end says so" in second
    assert "beyond the budget" in second
