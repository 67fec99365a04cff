"""`openami security` and `openami image` against a meter with a master key that trusts an authority."""

from __future__ import annotations

import stat
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from command_line import meter_on_loopback
from dlms_authority import Authority
from dlms_curves import key
from meter_bench import CLIENT_TITLE, CONFIG, METER_TITLE, START, BenchClock, seeded
from openami.field.meter.curve import SteadyCurve
from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.firmware import FirmwareImage
from openami.io.disk import SystemDisk
from openami.io.keystore.counter_file import CounterFile
from openami.protocols.dlms.security import SecurityKeys, SecuritySuite

SUITE = SecuritySuite.SUITE_1
AUTHORITY = Authority(1)
MANAGEMENT = ["--client", 1, "--authentication", "hls5", "--suite", 1, "--system-title", CLIENT_TITLE.hex()]
FIRMWARE = "1-0:0.2.0*255"


@pytest.fixture
def reach(tmp_path):
    """A meter of its own and how it is reached; the keys are in files."""
    keys = SecurityKeys(*(seeded(number)(16) for number in (11, 12)), suite=SUITE, master_key=seeded(13)(16))
    config = replace(CONFIG, keys=keys, authorities=(AUTHORITY.der,), image_block_size=64, firmware_activation_s=0)
    device = ElectricityMeter(config, SteadyCurve(1000), START, None, seeded(3))
    given = []
    for option, value in (
        ("--encryption-key", keys.global_unicast_encryption_key),
        ("--authentication-key", keys.authentication_key),
        ("--master-key", keys.master_key),
    ):
        (tmp_path / option[2:]).write_text(value.hex())
        given += [option, f"@{tmp_path / option[2:]}"]
    with meter_on_loopback(device, BenchClock(START + 60)) as faces:
        yield [faces.wrapper, *MANAGEMENT, *given]


def test_keys_are_transferred_kept_before_and_used_after(openami, reach, tmp_path):
    folder = tmp_path / "new"
    ran = openami("security", "transfer", reach[0], "encryption", "authentication", *reach[1:], "--out", folder)
    assert ran.status == 0, ran.err
    assert "encryption, authentication" in ran.out
    assert {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {
        "encryption.hex": 0o600,
        "authentication.hex": 0o600,
    }
    new = [
        "--encryption-key",
        f"@{folder / 'encryption.hex'}",
        "--authentication-key",
        f"@{folder / 'authentication.hex'}",
    ]
    assert openami("read", *reach, FIRMWARE).status == 1
    assert openami("read", *reach, *new, FIRMWARE).status == 0
    again = openami("security", "transfer", reach[0], "encryption", *reach[1:], *new, "--out", folder)
    assert again.status == 1
    assert "is there already" in again.err
    assert openami("read", *reach, *new, FIRMWARE).status == 0


def test_a_wrong_master_key_changes_nothing(openami, reach, tmp_path):
    wrong = ["--master-key", "00" * 16]
    ran = openami("security", "transfer", reach[0], "encryption", *reach[1:], *wrong, "--out", tmp_path / "new")
    assert ran.status == 1
    assert "is the master key that of this meter" in " ".join(ran.err.split())
    assert openami("read", *reach, FIRMWARE).status == 0


def test_certificates_and_keys_that_are_agreed(openami, reach, tmp_path):
    ours, request = key(1, SUITE), tmp_path / "meter.csr"
    assert openami("security", "request", reach[0], "signing", *reach[1:], "--out", request).status == 0
    meters, clients = tmp_path / "meter.der", tmp_path / "client.der"
    meters.write_bytes(AUTHORITY.answer(request.read_bytes()))
    clients.write_bytes(AUTHORITY.certify(ours.public_key(), CLIENT_TITLE))
    for certificate in (meters, clients):
        ran = openami("security", "import", reach[0], certificate, *reach[1:])
        assert ran.status == 0, ran.err
    held = tmp_path / "held.der"
    which = ["meter", "signing", METER_TITLE.hex()]
    assert openami("security", "export", reach[0], *which, *reach[1:], "--out", held).status == 0
    assert held.read_bytes() == meters.read_bytes()
    (tmp_path / "ours.pem").write_bytes(ours.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    curves = ["--signing-key", tmp_path / "ours.pem", "--meter-signing-certificate", meters]
    titles = ["--meter-system-title", METER_TITLE.hex()]
    agreed = ["security", "agree", reach[0], "encryption", *reach[1:], *curves, "--out", tmp_path / "agreed"]
    assert "--meter-system-title" in openami(*agreed).err
    ran = openami(*agreed, *titles)
    assert ran.status == 0, ran.err
    new = ["--encryption-key", f"@{tmp_path / 'agreed' / 'encryption.hex'}"]
    assert openami("read", *reach, *new, FIRMWARE).status == 0
    gone = ["client", "signing", CLIENT_TITLE.hex()]
    assert openami("security", "remove", reach[0], *gone, *reach[1:], *new).status == 0
    assert openami("security", "remove", reach[0], *gone, *reach[1:], *new).status == 1


def test_an_image_is_sent_verified_and_activated(openami, reach, tmp_path):
    file = tmp_path / "OAM-2.5"
    file.write_bytes(bytes(FirmwareImage(b"OAM-2.5", bytes(range(256)) * 2)))
    ran = openami("image", "send", reach[0], file, *reach[1:], "--identifier", "OAM-2.5", "--json")
    assert ran.status == 0, ran.err
    assert ran.objects[0]["blocks"] == ran.objects[0]["blocks_sent"] == -(-file.stat().st_size // 64)
    assert ran.objects[0]["status"] == "activation_successful"


def test_an_image_is_broadcast(openami, tmp_path):
    file = tmp_path / "OAM-2.5"
    file.write_bytes(bytes(200))
    keys = ["--broadcast-key", "00" * 16, "--authentication-key", "11" * 16, "--system-title", CLIENT_TITLE.hex()]
    how = [*keys, "--counters", tmp_path / "counters", "--interface", "127.0.0.1", "--pause", 0, "--block-size", 64]
    reserved = []
    for _ in range(2):
        ran = openami("image", "broadcast", "239.255.59.59:4059", file, *how)
        assert ran.status == 0, ran.err
        assert "4 blocks" in ran.out
        store = CounterFile(tmp_path / "counters", disk=SystemDisk())
        reserved.append(store.load(f"dlms/{CLIENT_TITLE.hex()}/broadcast"))
        store.close()
    assert 4 <= reserved[0] <= reserved[1] - 4
