"""Nothing of what the back office and the meters keep secret is in the processes of the DMZ: not in their memory, not
in their files, not in what they print. Head-end and collector run as processes while a meter is read through them and
pushes through them. The twins, which hold a key or send a push without its seal, are found out.
"""

from __future__ import annotations

import asyncio
import signal
from datetime import UTC, datetime

import pytest

from canaries import KEYS, PROGRAM, CanarySite, files_below, found_in, memory_of
from command_line import Process, meter_on_loopback
from meter_bench import DAY_S, make_meter
from openami.field.meter.faces.push import push_over_tcp
from openami.io.clock import SystemClock
from openami.model.event import EventCode
from openami.protocols.dlms.apdu import encode_apdu
from openami.protocols.dlms.notification import DataNotification


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    clock = SystemClock()
    start = clock.time() // DAY_S * DAY_S - 2 * DAY_S
    with meter_on_loopback(make_meter(start=start, keys=KEYS), clock) as faces:
        yield CanarySite(tmp_path_factory.mktemp("canaries"), faces.wrapper)


def run(site, pushes, *, leak=""):
    """Both processes, a reading and pushes through them: where which secrets were found.

    `pushes` makes the pushes of the plain octets of the reading.
    """
    found = {}
    with Process(site.folder, "up", "headend", "-s", site.settings, program=PROGRAM, CANARY_LEAK=leak) as headend:
        told = headend.line("headend")
        site.dial(told)
        with Process(site.folder, "up", "collector", "-s", site.box, program=PROGRAM) as collector:
            port = collector.line("collector").split("pushes on port ")[1].split(",")[0]
            plain = asyncio.run(site.read_once(told))
            contents, secrets = pushes(plain), site.secrets(plain)
            asyncio.run(push(port, contents))
            found["collector's memory"] = found_in(memory_of(collector.pid), secrets)
            found["head-end's memory"] = found_in(memory_of(headend.pid), secrets)
            printed = collector.stop(signal.SIGINT), headend.stop(signal.SIGINT)
    files = [*files_below(site.box.parent), *files_below(site.made.folder / "spool")]
    assert all(any(content in file for file in files) for content in contents), "a push was not carried"
    assert len(secrets) > 14
    found["files"] = found_in(iter(files), secrets)
    found["what they print"] = found_in((one.encode() for ran in printed for one in (ran.out, ran.err)), secrets)
    return {where: names for where, names in found.items() if names}


async def push(port, contents):
    deliver = push_over_tcp(f"127.0.0.1:{port}")
    for content in contents:
        await (await deliver(content, 1)).close()


def sealed(_plain):
    meter = make_meter(keys=KEYS)
    meter.alarm(EventCode.COVER_OPENED, datetime.now(UTC).timestamp())
    return list(iter(meter.next_push, None))


def without_a_seal(plain):
    return [encode_apdu(DataNotification(1, None, plain[:1000]))]


def test_no_secret_is_in_a_process_of_the_dmz(site):
    assert sealed(b"")
    assert run(site, sealed) == {}


def test_twin_with_a_key_in_the_dmz_and_a_meter_without_a_seal_is_found_out(site):
    found = run(site, without_a_seal, leak=str(site.settings))
    assert {"encryption key", "authentication key", "encryption key, written"} <= found["head-end's memory"]
    assert any(name.startswith("reading") for name in found["files"])
    assert "what they print" not in found, "a key that is held is printed"
