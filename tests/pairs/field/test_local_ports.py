"""An electricity meter's P1, SML and IEC 62056-21 ports, read back over links."""

from __future__ import annotations

import asyncio
import itertools
import json

import pytest

from openami.cli import optical
from openami.cli import p1 as p1_command
from openami.cli import sml as sml_command
from openami.cli.serving import served
from openami.field.meter.config import MeterConfig
from openami.field.meter.curve import ArrayCurve
from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.faces.local_ports import LocalFace, local_port, p1_telegram
from openami.field.meter.faces.port_registers import registers
from openami.field.meter.faces.sml_answers import sml_file
from openami.field.meter.real_curves import replayed
from openami.io.clock import SystemClock
from openami.io.links.local_port import LocalPortError
from openami.model.errors import SettingError
from openami.model.quantity import Quantity
from openami.protocols.dlms.security import SecurityKeys
from openami.protocols.iec62056_21.measurements import measurements
from openami.protocols.iec62056_21.p1 import Variant, decode_p1
from openami.protocols.sml.file import decode_file
from openami.protocols.sml.measurements import measurements as sml_measurements
from openami.protocols.sml.transport import TransportParser

START = 1_767_225_600.0


def electricity(start=START):
    config = MeterConfig(
        serial="10000001",
        system_title=b"OAM\x00\x00\x00\x00\x01",
        keys=SecurityKeys(bytes(16), bytes(16)),
        import_wh=1_234_567,
    )
    meter = ElectricityMeter(config, ArrayCurve.replay(replayed("uk-2", start + 86_400)), start)
    meter.advance(start + 3600)
    return meter


def expected(meter, now):
    return {code: Quantity(number, scaler, unit).value for code, number, scaler, unit in registers(meter, now)}


def test_p1_and_sml_say_what_the_registers_say():
    meter, now = electricity(), START + 3600
    telegram = decode_p1(p1_telegram(meter, now))
    assert telegram.variant is Variant.DSMR_5
    told = {each.name: each.value for each in measurements(telegram.data_sets)}
    (file,) = TransportParser().feed(sml_file(meter, now))
    pushed = {each.name: each.value for each in sml_measurements(decode_file(file.data))}
    for code, value in expected(meter, now).items():
        assert told[code].value == value
        assert pushed[code].value == value
        assert told[code].unit is pushed[code].unit


@pytest.mark.parametrize("face", list(LocalFace))
def test_the_commands_read_each_port_on_a_pty_and_over_tcp(face, capsys):
    commands = {
        LocalFace.P1: lambda link: p1_command._run(link, 1, p1_command.Cutter(3600), as_json=True),
        LocalFace.SML: lambda link: sml_command._run(link, 1, as_json=True),
        LocalFace.IEC62056_21: lambda link: optical._read(link, optical.Device(), [], 1, as_json=True),
    }

    async def scenario(listen):
        clock = SystemClock()
        async with served(local_port(face, electricity(), clock, 0.05), listen) as link:
            await commands[face](link)

    for listen in (None, "127.0.0.1:0"):
        asyncio.run(scenario(listen))
        shown = capsys.readouterr().out
        assert '"name": "1-0:1.8.0*255"' in shown
        assert '"unit": "Wh"' in shown


def at_the_port(work):
    """What `work` says at a meter's port of IEC 62056-21 that asks for a password."""

    async def scenario():
        clock = SystemClock()
        port = local_port(LocalFace.IEC62056_21, electricity(), clock, 1.0, "00000000")
        port._meter.advance = lambda now: None  # the meter stays in its hour, whatever the machine's clock says
        async with served(port, "127.0.0.1:0") as link:
            await work(link)

    asyncio.run(scenario())


OPENED = optical.Device("10000001", "00000000")


@pytest.mark.parametrize("kind", range(1, 7))
def test_registers_are_read_by_every_command_behind_the_password(kind, capsys):
    at_the_port(lambda link: optical._read(link, OPENED, ["1.8.0", "C.1.0"], kind, as_json=True))
    values = json.loads(capsys.readouterr().out)["values"]
    assert [value["name"] for value in values] == ["1-0:1.8.0*255", "1-0:96.1.0*255"]


def test_the_load_profile_is_read_between_two_times(capsys):
    period = (
        optical._stamp("--from", "2026-01-01T00:30:00Z", 3600),
        optical._stamp("--to", "2026-01-01T01:45:00+01:00", 3600),
    )
    assert period == ("02601010130", "02601010145")
    at_the_port(lambda link: optical._read_profile(link, OPENED, period, 3600, as_json=True))
    values = json.loads(capsys.readouterr().out)["values"]
    meter = electricity()
    rows = meter.load_profile.records()
    drawn = {int(after["second"]): int(after["c2"] - before["c2"]) for before, after in itertools.pairwise(rows)}
    assert [(value["name"], value["time"]) for value in values[::2]] == [
        ("1-0:1.29.0*255", "2026-01-01T00:30:00+00:00"),
        ("1-0:1.29.0*255", "2026-01-01T00:45:00+00:00"),
    ]
    assert [float(value["value"]) for value in values[::2]] == [drawn[int(START) + at] for at in (1800, 2700)]


@pytest.mark.parametrize(
    ("work", "said"),
    [
        (lambda link: optical._write(link, OPENED, "0.9.1", "120000", 1), "W1: the device answers .ER02."),
        (
            lambda link: optical._read(link, optical.Device(), ["1.8.0"], 1, as_json=True),
            "R1: the device answers .ER01.",
        ),
        (lambda link: optical._read(link, optical.Device("", "1"), ["1.8.0"], 1, as_json=True), "P1 was refused"),
        (lambda link: optical._read_profile(link, OPENED, ("yesterday", ""), 0, as_json=True), "R5: .* .ER03."),
    ],
    ids=["write", "no password", "wrong password", "no time"],
)
def test_what_the_port_refuses(work, said):
    with pytest.raises(LocalPortError, match=said):
        at_the_port(work)


def test_no_time_is_told():
    with pytest.raises(SettingError, match="--from is 'noon'"):
        optical._stamp("--from", "noon", 0)


def asked(work):
    """What `work` says at a meter's SML port, which pushes meanwhile."""

    async def scenario():
        clock = SystemClock()
        meter = electricity()
        meter.advance = lambda now: None  # the meter stays in its hour, whatever the machine's clock says
        async with served(local_port(LocalFace.SML, meter, clock, 0.02), "127.0.0.1:0") as link:
            await work(link)

    asyncio.run(scenario())


def test_sml_meters_are_asked_for_their_values(capsys):
    asked(lambda link: sml_command._ask(link, None, as_json=True))
    told = json.loads(capsys.readouterr().out)
    assert told["meter"] == "4f414d0000000001"
    assert told["values"][0]["name"] == "1-0:1.8.0*255"


def test_sml_meters_are_asked_for_their_load_profile(capsys):
    period = tuple(sml_command._second("--from", f"2026-01-01T00:{minute}:00Z") for minute in (30, 45))
    asked(lambda link: sml_command._ask(link, period, as_json=True))
    told = json.loads(capsys.readouterr().out)
    rows = {int(row["second"]): (int(row["c2"]), int(row["c3"])) for row in electricity().load_profile.records()}
    expected = [value for second in period for value in rows[second]]
    assert [float(value["value"]) for value in told["values"]] == expected
    times = [value["time"] for value in told["values"][::2]]
    assert times == ["2026-01-01T00:30:00+00:00", "2026-01-01T00:45:00+00:00"]
