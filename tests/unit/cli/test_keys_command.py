"""Keys over real sessions: from a maker's shipment to keys that it does not know, waves over a head-end, the end."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import seal_keys
from command_line import meter_on_loopback
from meter_bench import seeded
from openami.app.installation import Installation
from openami.app.key_work import open_key_work
from openami.app.parts import run_headend
from openami.backoffice.operations.key_roll_over import RolledOver
from openami.field.meter.config import MeterConfig
from openami.field.meter.curve import SteadyCurve
from openami.field.meter.electricity import ElectricityMeter
from openami.io.clock import SystemClock
from openami.io.keystore.meter_keys import NoKeys
from openami.io.keystore.shipment import ShippedMeter, seal_shipment
from openami.model.errors import StoreError
from openami.protocols.dlms.asymmetric import decode_point
from openami.protocols.dlms.security import SecurityKeys, SecuritySuite

CLOCK = SystemClock()
COLUMNS = ("point", "address", "zone", "serial", "system_title", "link", "resolution_s", "since")


def title(number):
    return b"OAM" + number.to_bytes(5, "big")


def shipped(number):
    octets = seeded(number)
    return ShippedMeter(f"M{number}", title(number), octets(16), octets(16), octets(16))


def device(one):
    keys = SecurityKeys(one.encryption_key, one.authentication_key, master_key=one.master_key)
    config = MeterConfig(serial=one.serial, system_title=one.system_title, keys=keys)
    return ElectricityMeter(config, SteadyCurve(1000), CLOCK.time() - 7200)


def line_of(folder, number, link, **more):
    values = dict(zip(COLUMNS, (f"P{number}", "1 Mill Lane", "UTC", f"M{number}", title(number).hex()), strict=False))
    values |= {"link": link, "resolution_s": "900", "since": "2026-01-01"} | more
    file = folder / f"M{number}.csv"
    file.write_text(",".join(values) + "\n" + ",".join(values.values()) + "\n")
    return file


@pytest.fixture
def site(openami, tmp_path, monkeypatch):
    """An installation that has received a shipment of three meters."""
    settings = Path(openami("init", tmp_path / "plant", "--json").objects[0]["settings"])
    monkeypatch.chdir(settings.parent)
    own = decode_point(bytes.fromhex(openami("pki", "key", "operations").out.strip()), SecuritySuite.SUITE_1)
    meters = [shipped(number) for number in (1, 2, 3)]
    Path("shipment.bin").write_bytes(seal_shipment(meters, seal_keys.SIGNER, own, seeded()))
    public = seal_keys.SIGNER.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    Path("maker.pem").write_bytes(public)
    assert openami("pki", "receive", "shipment.bin", "--maker", "maker.pem").status == 0
    return settings


def test_a_shipped_meter_is_commissioned_with_keys_that_its_maker_does_not_know(openami, site, tmp_path):
    one, meter = shipped(1), device(shipped(1))
    with meter_on_loopback(meter, CLOCK) as faces:
        ran = openami("field", "commission", faces.hdlc, line_of(tmp_path, 1, "tcp://10.0.0.1:1"))
        assert ran.status == 0, ran.err
        assert "uses new keys" in ran.err
        kept = Installation.load(site).open_keystore().meter_keys(one.system_title)
        assert one.encryption_key not in (kept.global_unicast_encryption_key, kept.authentication_key)
        assert kept.master_key == one.master_key
        assert openami("field", "read", faces.hdlc, "M1").status == 0
        factory = ("--client", "1", "--authentication", "hls5", "--encryption-key", one.encryption_key.hex())
        factory = (*factory, "--authentication-key", one.authentication_key.hex())
        refused = openami("read", faces.wrapper, "1-0:0.2.0", *factory)
        assert refused.status == 1
        assert "refused" in refused.err
    assert openami("keys", "pending", "--json").objects == []
    entered = [row["what"] for row in openami("audit", "show", "--commands", "--json").objects]
    assert entered[-3:] == ["commissioned at the local port", "new keys were made", "new keys are in use"]


def certified(openami, folder, system_title):
    """A device's certificate, from the authority in the folder `devices`."""
    request, certificate = folder / "meter.csr", folder / "meter-certificate.pem"
    request.write_text(openami("pki", "request", folder / "meter.pem", "--name", "M2").out)
    options = ("--for", "device", "--folder", "devices", "--system-title", system_title.hex())
    signed = openami("pki", "sign", request, "--name", "M2", *options)
    assert signed.status == 0, signed.err
    certificate.write_text(signed.out)
    return certificate


def test_an_exchanged_meter_is_retired_and_cannot_come_back(openami, site, tmp_path):
    with (
        meter_on_loopback(device(shipped(1)), CLOCK) as one,
        meter_on_loopback(device(shipped(2)), CLOCK) as two,
    ):
        assert openami("field", "commission", one.hdlc, line_of(tmp_path, 1, "tcp://10.0.0.1:1")).status == 0
        ran = openami("field", "exchange", one.hdlc, "M1", two.hdlc, line_of(tmp_path, 2, "tcp://10.0.0.1:2"))
        assert ran.status == 0, ran.err
        assert openami("field", "read", two.hdlc, "M2").status == 0
    keystore = Installation.load(site).open_keystore()
    with pytest.raises(NoKeys):
        keystore.meter_keys(title(1))
    with closing(sqlite3.connect(site.parent / "openami.sqlite")) as store:
        assert store.execute("SELECT link FROM meter WHERE serial = 'M1'").fetchone() == (None,)
        assert store.execute("SELECT count(*) FROM stamped_register WHERE meter = 1").fetchone()[0] > 0
    again = openami("pki", "receive", "shipment.bin", "--maker", "maker.pem")
    assert again.status == 1
    keystore.remove_many([title(2), title(3)])
    again = openami("pki", "receive", "shipment.bin", "--maker", "maker.pem")
    assert again.status == 1
    assert "were retired" in again.err
    assert openami("field", "retire", "M2").status == 1, "not without --yes"
    certificate = certified(openami, tmp_path, title(2))
    assert openami("field", "retire", "M2", "--yes", "--certificate", certificate, "--folder", "devices").status == 0
    serial = x509.load_pem_x509_certificate(certificate.read_bytes()).serial_number
    denied = x509.load_pem_x509_crl(Path("devices", "denied.crl").read_bytes())
    assert [entry.serial_number for entry in denied] == [serial]
    with closing(sqlite3.connect(site.parent / "openami.sqlite")) as store:
        assert store.execute('SELECT count(*) FROM installation WHERE "end" IS NULL').fetchone() == (0,)


@pytest.mark.usefixtures("site")
def test_a_meter_without_keys_is_not_entered(openami, tmp_path):
    with meter_on_loopback(device(shipped(1)), CLOCK) as faces:
        line = line_of(tmp_path, 9, "tcp://10.0.0.1:1")
        ran = openami("field", "commission", faces.hdlc, line)
    assert ran.status == 1
    assert "pki receive" in ran.err


@pytest.fixture
def fleet(openami, site, tmp_path):
    """Three enrolled meters on loopback; their devices and the installation, whose head-end has a free port."""
    with ExitStack() as stack:
        devices = [device(shipped(number)) for number in (1, 2, 3)]
        for number, one in enumerate(devices, start=1):
            link = stack.enter_context(meter_on_loopback(one, CLOCK)).wrapper
            assert openami("enrol", line_of(tmp_path, number, link)).status == 0
        installation = Installation.load(site)
        headend = msgspec.structs.replace(
            installation.settings.headend, listen="127.0.0.1:0", push_listen="127.0.0.1:0"
        )
        yield replace(installation, settings=msgspec.structs.replace(installation.settings, headend=headend)), devices


async def rolled(installation, *serials, permille=1000, fails_at_keeping=False):
    async with run_headend(installation, CLOCK) as relay:
        operations = msgspec.structs.replace(installation.settings.operations, headend=f"127.0.0.1:{relay.port}")
        there = replace(installation, settings=msgspec.structs.replace(installation.settings, operations=operations))
        async with open_key_work(there, CLOCK) as work:
            if fails_at_keeping:

                def failed(_keys):
                    raise StoreError("the disk is full")

                work.keystore.put_many = failed
            return await work.roll(serials, permille, 365)


def test_a_fleet_is_rolled_over_in_waves_through_the_head_end(fleet):
    installation, _ = fleet
    before = [installation.open_keystore().meter_keys(title(number)) for number in (1, 2, 3)]
    assert asyncio.run(rolled(installation, permille=400)) == {"M1": RolledOver.DONE}
    assert asyncio.run(rolled(installation, permille=400)) == {}, "the day's share is used up"
    assert asyncio.run(rolled(installation)) == {"M2": RolledOver.DONE, "M3": RolledOver.DONE}
    after = [installation.open_keystore().meter_keys(title(number)) for number in (1, 2, 3)]
    assert not set(after) & set(before)
    assert asyncio.run(rolled(installation)) == {}, "no keys are old any more"
    assert asyncio.run(rolled(installation, "M2")) == {}, "nor is there a share left for one by name"


def test_a_roll_over_that_dies_after_the_meter_took_its_keys_goes_on(fleet):
    installation, _ = fleet
    with pytest.raises(StoreError):
        asyncio.run(rolled(installation, "M1", fails_at_keeping=True))
    pending = installation.open_pending_keys().meter_keys(title(1))
    assert installation.open_keystore().meter_keys(title(1)).global_unicast_encryption_key == shipped(1).encryption_key
    assert asyncio.run(rolled(installation, "M1")) == {"M1": RolledOver.DONE}
    assert installation.open_keystore().meter_keys(title(1)) == pending
    assert installation.open_pending_keys().system_titles() == []
