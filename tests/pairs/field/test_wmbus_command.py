"""`openami wmbus listen` hears a meter that is played, on a pty and over TCP."""

from __future__ import annotations

import asyncio
import json

import pytest

from openami.cli import wmbus
from openami.cli.serving import served
from openami.field.meter.daily_flow import DailyFlow
from openami.field.meter.faces.wireless import WirelessFace
from openami.field.meter.pipe_meter import PipeMeter, PipeMeterConfig
from openami.field.meter.wireless_meter import Security, WirelessMeter, WirelessSettings
from openami.io.clock import SystemClock
from openami.model.errors import SettingError
from openami.protocols.mbus.wireless.sticks.kinds import STICKS
from openami.protocols.mbus.wireless.telegram import WirelessDecoder

KEY = bytes(range(16))


def hear(stick, listen, keys, capsys):
    async def scenario():
        clock = SystemClock()
        now = clock.time()
        device = PipeMeter(PipeMeterConfig(), DailyFlow(int(now) - 86_400 * 30))
        settings = WirelessSettings(interval_s=0.05, window_s=0.01, security=Security.MODE_5, key=KEY)
        face = WirelessFace(WirelessMeter(device, settings, now), STICKS[stick], clock)
        async with served(face, listen) as link:
            await wmbus._listen(link, wmbus.StickName(stick), WirelessDecoder(keys), 2, as_json=True)

    asyncio.run(scenario())
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(("stick", "listen"), [("cul", None), ("imst", "127.0.0.1:0")])
def test_it_hears_and_opens(stick, listen, capsys):
    heard = hear(stick, listen, [KEY], capsys)
    assert [one["meter"] for one in heard] == ["OAM.10000001.01.07"] * 2
    first, second = (one["access_number"] for one in heard)
    assert second == first + 1
    (volume,) = (value for value in heard[0]["content"]["values"] if value["name"] == "volume")
    assert (volume["obis"], volume["unit"]) == ("8-0:1.0.0*255", "m³")


def test_wrong_keys_are_told(capsys):
    heard = hear("hex", "127.0.0.1:0", [bytes(16)], capsys)
    assert all("wrong key" in one["problem"] for one in heard)


def test_a_mode_that_no_meter_plays_is_refused():
    with pytest.raises(SettingError, match="must be 0, 5 or 7"):
        wmbus.play(mode=9)
