"""Old meters that a collector reads with keys of its own: the values arrive, labelled as what nothing vouches for."""

from __future__ import annotations

from datetime import timedelta

import pytest

from collector_rig import Site, Zone, until
from openami.app.collector_keys import load_keyed_meters
from openami.backoffice.operations.push_store import PushState
from openami.field.collector.keyed_meters import KeyedMeter, KeyedMeters
from openami.io.links.neighbourhood import Heard, MeterGone, MeterSeen
from openami.model.errors import ConnectFailed, DecodeError, LinkError, SettingError
from openami.model.point import ChannelKind
from openami.model.quality import GuaranteeClass
from openami.model.unit import Unit
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.client_settings import ClientSettings
from openami.protocols.dlms.counters import MemoryCounters
from openami.protocols.dlms.framing import Role
from openami.protocols.dlms.wrapper import WrapperFraming
from openami.protocols.zones.collector_reading import MAGIC, tell_collector_reading
from operations_rig import DAY, EXPORT, IMPORT, Chance, Rig
from virtual_loop import in_virtual_time


def reader(rig, serial="M0"):
    """The rig's first meter as one whose keys the collector has."""
    meter = rig.field.meters[0]
    settings = ClientSettings(
        client_sap=1,
        server_sap=1,
        authentication=Authentication.HLS5,
        keys=meter.config.keys,
        system_title=b"OAMCOL01",
        counter_name="dlms/collector/sent",
    )

    async def dial():
        if 1 in rig.field.unreachable:
            raise ConnectFailed("the meter does not answer")
        return rig.field.faces[0].connect()

    old = KeyedMeter(serial, dial, lambda: WrapperFraming(Role.CLIENT, 1, 1), settings, (IMPORT, EXPORT))
    return KeyedMeters([old], rig.clock, Chance("collector"), MemoryCounters(), every_s=3600)


@in_virtual_time
async def test_a_meter_is_read_at_its_times_and_when_somebody_asks():
    rig = Rig(meters=1)
    meters = reader(rig)
    assert await meters.next_event() == MeterSeen("M0")
    heard = await meters.next_event()
    told = tell_collector_reading(heard.payload)
    energy = rig.field.meters[0].energy
    assert (told.protocol, told.meter) == ("collector", "M0")
    assert [(value.name, value.value.mantissa) for value in told.values] == [
        (IMPORT, energy.import_wh),
        (EXPORT, energy.export_wh),
    ]
    assert {value.guarantee for value in told.values} == {GuaranteeClass.UNAUTHENTICATED}
    before = rig.clock.monotonic()
    assert isinstance(await meters.next_event(), Heard)
    assert 3590 < rig.clock.monotonic() - before < 3610
    await meters.trigger("M0")
    assert isinstance(await meters.next_event(), Heard)
    assert rig.clock.monotonic() - before < 3620
    assert meters.read == 3
    await rig.close()


@in_virtual_time
async def test_a_meter_that_does_not_answer_is_gone_until_it_does():
    rig = Rig(meters=1)
    meters = reader(rig)
    await meters.next_event()
    await meters.next_event()
    rig.field.unreachable.add(1)
    assert await meters.next_event() == MeterGone("M0")
    rig.field.unreachable.clear()
    assert await meters.next_event() == MeterSeen("M0")
    assert (meters.read, meters.failed) == (2, 1)
    with pytest.raises(ConnectFailed, match="nobody else has a way"):
        await meters.open("M0")
    with pytest.raises(LinkError, match="no meter M9"):
        await meters.trigger("M9")
    await rig.close()


def register_old(rig, guarantee):
    """A meter in the registry of which so much is known."""
    point = rig.registry.add_point("P-old", "1 Old Row", "Europe/London")
    meter = rig.registry.add_meter("OLD", b"OLDMETER", guarantee, None, "one-way")
    rig.registry.add_channel(point.id, 1, IMPORT, ChannelKind.STAMPED_REGISTER, Unit.WATT_HOUR, 0, 0)
    rig.registry.install(meter.id, point.id, DAY)
    return point.id


@pytest.mark.parametrize(
    ("guarantee", "state"),
    [
        (GuaranteeClass.UNAUTHENTICATED, PushState.OPENED),
        (GuaranteeClass.AUTHENTICATED, PushState.QUARANTINED),
        (GuaranteeClass.SHARED_KEYS, PushState.QUARANTINED),
    ],
)
@in_virtual_time
async def test_what_it_read_counts_only_for_meters_that_are_said_to_be_that_weak(guarantee, state):
    rig = Rig(meters=1)
    point = register_old(rig, guarantee)
    meters = reader(rig, "OLD")
    await meters.next_event()
    heard = await meters.next_event()
    await rig.push(heard.payload)
    await rig.operations.pull_spool()
    assert rig.operations.pushes() == {state: 1}
    stored = rig.mdm.registers(point, IMPORT, DAY, DAY + timedelta(days=2))
    assert [read.register for read in stored] == (
        [rig.field.meters[0].energy.import_wh] if state is PushState.OPENED else []
    )
    if state is PushState.QUARANTINED:
        assert "seals what it tells better: this collector telegram is plain" in rig.operations.quarantined()[0].reason
    await rig.close()


@in_virtual_time
async def test_it_goes_the_way_of_everything_that_a_collector_hears():
    rig = Rig(meters=1)
    zone = Zone(rig.clock)
    site = Site("c-1", zone, reader(rig)).start()
    await until(zone.pushes)
    (push,) = zone.pushes()
    assert push.source == "collector://c-1/M0"
    assert push.content.startswith(MAGIC)
    await site.stop()
    await zone.stop()
    await rig.close()


@pytest.mark.parametrize("content", [b"", b"OAMREAD2", MAGIC, MAGIC + b"\x93\xa1M\x00\x90", MAGIC + b"\xc1"])
def test_what_is_no_reading_is_refused(content):
    with pytest.raises(DecodeError):
        tell_collector_reading(content)


GOOD = """
[[meter]]
serial = "OLD-1"
link = "tcp://192.0.2.7:4059"
password = "12345678"
"""


@pytest.mark.parametrize(
    ("text", "mode", "message"),
    [
        (GOOD, 0o640, "others may read it"),
        (GOOD + GOOD, 0o600, "meter OLD-1 stands there twice"),
        (GOOD.replace("password", "#"), 0o600, "give a password, or both keys"),
        (GOOD + 'registers = ["1.8.0"]', 0o600, "OLD-1"),
        (GOOD.replace("tcp:", "smoke:"), 0o600, "smoke"),
        (GOOD + "colour = 1", 0o600, "unknown field"),
        ("", 0o600, "meter"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(tmp_path, text, mode, message):
    file = tmp_path / "old.toml"
    file.write_text(text)
    file.chmod(mode)
    with pytest.raises(SettingError, match=message):
        load_keyed_meters(file)


def test_both_kinds_of_keys(tmp_path):
    file = tmp_path / "old.toml"
    key = "0f" * 16
    second = f'serial = "B"\nlink = "serial:///dev/ttyUSB0"\nframing = "hdlc"\nencryption_key = "{key}"'
    file.write_text(f'{GOOD}[[meter]]\n{second}\nauthentication_key = "{key}"\n')
    file.chmod(0o600)
    first, second = load_keyed_meters(file)
    assert first.settings.authentication is Authentication.LLS
    assert second.settings.authentication is Authentication.HLS5
    assert key not in repr(second)
    assert "12345678" not in repr(first)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SettingError, match="keyed_meters"):
        load_keyed_meters(tmp_path / "none.toml")
