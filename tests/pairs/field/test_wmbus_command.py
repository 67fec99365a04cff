"""`openami wmbus listen` hears a meter that is played, on a pty and over TCP."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import pytest

from openami.cli import wmbus, wmbus_talk
from openami.cli.serving import served
from openami.field.meter.daily_flow import DailyFlow
from openami.field.meter.faces.wireless import WirelessFace
from openami.field.meter.pipe_meter import PipeMeter, PipeMeterConfig
from openami.field.meter.wireless_meter import Security, WirelessMeter, WirelessSettings
from openami.field.meter.wireless_tls_meter import WirelessTlsMeter
from openami.io.clock import SystemClock
from openami.io.keystore.authority import CertificateAuthority
from openami.io.keystore.certificate_request import install_certificate, make_request
from openami.io.links.tls_session import TlsSession
from openami.model.errors import ConnectFailed, SettingError
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


def command(stick, mode, listen, valve=None, clock=False, key=KEY):
    """`openami wmbus set` on a played meter; its device and what came of it."""
    clock_now = SystemClock()
    now = clock_now.time()
    device = PipeMeter(PipeMeterConfig(), DailyFlow(int(now) - 86_400 * 30))

    async def scenario():
        settings = WirelessSettings(interval_s=2, window_s=1, security=Security(mode), key=key if mode else b"")
        face = WirelessFace(WirelessMeter(device, settings, now, counter=int(now)), STICKS[stick], clock_now)
        async with served(face, listen) as link:
            return await asyncio.to_thread(
                wmbus.set,
                link,
                "OAM.10000001.01.07",
                stick=wmbus.StickName(stick),
                valve=valve,
                clock=clock,
                mode=mode,
                key=KEY.hex() if mode else None,
                gateway="OAM.00000001.01.31",
                timeout=20.0,
                as_json=True,
            )

    return asyncio.run(scenario()), device


@pytest.mark.parametrize(("stick", "listen"), [("imst", None), ("amber", "127.0.0.1:0"), ("hex", "127.0.0.1:0")])
def test_a_valve_is_closed_through_a_stick(stick, listen, capsys):
    status, device = command(stick, 7, listen, valve=wmbus.ValveState.CLOSED)
    assert json.loads(capsys.readouterr().out) == {"meter": "OAM.10000001.01.07", "refused": "", "verified": True}
    assert (status, device.flow.closed) == (0, True)


def test_a_refusal_is_told_and_the_exit_status_is_one(capsys):
    status, device = command("hex", 0, "127.0.0.1:0", valve=wmbus.ValveState.CLOSED)
    assert json.loads(capsys.readouterr().out)["refused"] == "inadequate security method"
    assert (status, device.flow.closed) == (1, False)


def test_a_stick_that_only_hears_is_told():
    with pytest.raises(ConnectFailed, match="this kind of stick only hears"):
        command("cul", 5, "127.0.0.1:0", clock=True)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"valve": None, "clock": False}, "nothing to set"),
        ({"clock": True, "meter": "OAM.1"}, "write it as"),
        ({"clock": True, "mode": 9, "key": KEY.hex()}, "must be 0, 5, 7 or 10"),
        ({"clock": True}, "needs the meter's key"),
    ],
)
def test_commands_that_cannot_be_are_refused(options, word):
    common = {"meter": "OAM.10000001.01.07", "gateway": "OAM.00000001.01.31", "mode": 7, "timeout": 1.0, "key": None}
    with pytest.raises(SettingError, match=word):
        wmbus.set("tcp://127.0.0.1:1", **{**common, **options})


def test_a_mode_that_no_meter_plays_is_refused():
    with pytest.raises(SettingError, match="must be 0, 5, 7, 10 or 13"):
        wmbus.play(mode=9)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """Of a meter and a gateway: key and certificate in one file each, and their authority."""
    folder, now = tmp_path_factory.mktemp("tls"), datetime.now(UTC)
    authority = CertificateAuthority(folder / "authority")
    authority.make(now)
    files = []
    for name, server in (("oam-10000001-01-07", True), ("gateway", False)):
        files.append(folder / f"{name}.pem")
        install_certificate(files[-1], authority.sign(make_request(files[-1], name), name, "", now, server=server))
    return (*files, authority.certificate)


def test_a_meter_is_read_through_tls(certificates, capsys):
    meter, gateway, authority = certificates
    clock = SystemClock()
    device = PipeMeter(PipeMeterConfig(), DailyFlow(int(clock.time()) - 86_400 * 30))
    context = wmbus_talk.tls_context(meter, authority, server=True)

    async def scenario():
        settings = WirelessSettings(interval_s=4, window_s=2)
        radio = WirelessTlsMeter(device, settings, lambda: TlsSession(context, server_side=True), clock.time())
        async with served(WirelessFace(radio, STICKS["imst"], clock), None) as link:
            await asyncio.to_thread(
                wmbus.read,
                link,
                "OAM.10000001.01.07",
                certificate=gateway,
                authority=authority,
                timeout=20.0,
                as_json=True,
            )

    asyncio.run(scenario())
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert "8-0:1.0.0*255" in {row["obis"] for row in rows}


@pytest.mark.parametrize("missing", ["--certificate", "--authority"])
def test_tls_without_a_certificate_is_refused(certificates, missing):
    _, gateway, authority = certificates
    files = {"certificate": gateway, "authority": authority, missing.removeprefix("--"): None}
    with pytest.raises(SettingError, match=f"{missing} is missing"):
        wmbus.read("tcp://127.0.0.1:1", "OAM.10000001.01.07", **files)
    files[missing.removeprefix("--")] = authority.parent / "none"
    with pytest.raises(SettingError, match=f"{missing} {authority.parent}"):
        wmbus.read("tcp://127.0.0.1:1", "OAM.10000001.01.07", **files)
