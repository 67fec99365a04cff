"""What keeps working: the rows of the table in the docs that no other test holds, and that each row has its test."""

from __future__ import annotations

import re
from pathlib import Path

from structlog.testing import capture_logs

import seal_keys as keys
from meter_bench import Client
from openami.field.meter.access import READING
from openami.model.obis import ObisCode
from openami.protocols.dlms.access_result import DataAccessResult
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor
from portal_world import browser, csrf_of, log_in, make_district, make_operations, make_world_portal
from sealed_bench import START, make_sealed, submit

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "how-to" / "survive-a-lost-head-end.md"
IMPORT = CosemAttributeDescriptor(3, ObisCode(1, 0, 1, 8, 0), 2)


def test_without_the_guard_nothing_is_switched_and_everything_is_read():
    meter = make_sealed()
    contact = meter.meter.disconnector.state
    for octets in (keys.signed(), keys.signed(7, emergency=True), keys.DISCONNECT):
        assert submit(meter, octets, START) is DataAccessResult.READ_WRITE_DENIED
    assert not isinstance(meter.get(Client(READING), IMPORT, None, START + 3600), DataAccessResult)
    meter.meter.advance(START + 7200)
    assert meter.meter.disconnector.state is contact
    assert submit(meter, keys.envelope(issued_at=START + 7200), START + 7200) is DataAccessResult.SUCCESS


async def test_pages_show_what_is_stored_with_the_head_end_away(tmp_path):
    district = make_district(tmp_path)
    async with browser(make_world_portal(district, make_operations(district))) as operator:
        with capture_logs():
            await log_in(operator, "operator")
            page = (await operator.get("/operator/points/1/day?date=2013-12-17")).text
            token = csrf_of((await operator.get("/operator/meters/1")).text.partition("<main")[2])
            live = await operator.post("/operator/meters/1/read", data={"csrf": token})
    assert "kWh" in page
    assert "17 December 2013" in page
    assert live.status_code == 502
    assert "could not be read" in live.text


def test_each_row_names_a_test_that_is_there():
    named = re.findall(r"`(tests/\S+\.py)::(\w+)`", PAGE.read_text())
    assert len(named) >= 11
    for file, name in named:
        assert re.search(rf"^(?:async )?def {name}\(", (ROOT / file).read_text(), re.MULTILINE), (file, name)
