"""`openami read --save` takes a record of a meter, and `openami meter --clone` plays it to the same client."""

from __future__ import annotations

import json
import stat
from importlib import resources

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from command_line import SEALED, SECRETS, Process
from dlms_curves import key
from openami.protocols.dlms.security import SecuritySuite

ENERGY, LOAD = "1-0:1.8.0*255", "1-0:99.1.0*255"


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    return tmp_path_factory.mktemp("record") / "meter.json"


@pytest.fixture
def saved(openami, meter, record, secrets):  # the secrets are in the environment
    if not record.exists():
        ran = openami("read", meter.wrapper, *SEALED, "--save", record, "--last", 8, "--json")
        assert ran.status == 0, ran.err
        assert ran.objects[0]["file"] == str(record)
        assert ran.objects[0]["objects"] > 20
        assert ran.objects[0]["values"] > 60
    return record


def test_a_record_is_private_and_holds_no_secret(saved):
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    text = saved.read_text()
    assert not any(value in text for value in SECRETS.values())
    said = json.loads(text)
    assert (said["client"], said["server"]) == (2, 1)
    association = next(one for one in said["objects"] if one["class_id"] == 15)
    assert "7" not in association["attributes"]


@pytest.mark.parametrize("line", ["tcp", "udp", "hdlc", "pty"])
def test_a_clone_shows_what_the_meter_showed(openami, meter, saved, tmp_path, line):
    how = {"tcp": [], "udp": ["--listen", "udp://127.0.0.1:0"], "hdlc": ["--framing", "hdlc"], "pty": ["--pty"]}[line]
    options = ["--clone", saved, "--listen", "127.0.0.1:0", "--counters", tmp_path / "counters", *how, "--json"]
    with Process(tmp_path, "meter", *options, **SECRETS) as process:
        facts = json.loads(process.line("link"))
        assert (facts["client"], facts["authentication"]) == (2, "hls5")
        reach = [facts["link"], "--framing", facts["framing"], *SEALED]
        for what in ([], [ENERGY], ["0-0:42.0.0"], ["0-0:96.3.10"], [LOAD, "--last", 3]):
            real = openami("read", meter.wrapper, *what, *SEALED, "--json")
            clone = openami("read", *reach, *what, "--json")
            assert clone.status == 0, clone.err
            assert clone.objects == real.objects
        assert len(openami("read", *reach, LOAD, "--json").objects) == 8
        again = tmp_path / "again.json"
        assert openami("read", *reach, "--save", again).status == 0
        assert json.loads(again.read_text())["object_list"] == json.loads(saved.read_text())["object_list"]


def test_a_clone_without_keys_asks_for_a_password(openami, saved, tmp_path, monkeypatch):
    for name in SECRETS:
        monkeypatch.delenv(name)
    with Process(tmp_path, "meter", "--clone", saved, "--listen", "127.0.0.1:0", "--password", "12345678") as process:
        link = process.line("link").split()[-1]
        lls = ["--client", 2, "--authentication", "lls", "--password"]
        assert openami("read", link, ENERGY, *lls, "12345678", "--json").objects[1]["value"] == 48_000
        assert openami("read", link, ENERGY, *lls, "wrong").status == 1


@pytest.mark.parametrize("way", ["none", "hls2", "hls4", "hls7-2", "hls6 ciphered"])
def test_a_clone_takes_every_proof(openami, saved, tmp_path, monkeypatch, way):
    mechanism, _, suite = way.partition(" ")[0].partition("-")
    if "ciphered" not in way:
        for name in SECRETS:
            monkeypatch.delenv(name)
    curve = SecuritySuite(int(suite or 1))
    (tmp_path / "meter.pem").write_bytes(pem(key(3, curve)))
    (tmp_path / "client.pem").write_bytes(pem(key(1, curve)))
    for side, number in (("meter", 3), ("client", 1)):
        public = key(number, curve).public_key()
        (tmp_path / f"{side}.pub").write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    both = ["--authentication", mechanism, *(["--suite", suite] if suite else [])]
    secret = ["--hls-secret", "a secret of both"]
    ours = (
        ["--signing-key", tmp_path / "meter.pem", "--client-certificate", tmp_path / "client.pub"] if suite else secret
    )
    theirs = ["--signing-key", tmp_path / "client.pem", "--meter-signing-certificate", tmp_path / "meter.pub"]
    theirs = [*both, "--client", 2, "--allow-weak", *(theirs if suite else secret)]
    ciphered = ["--counters", tmp_path / "counters"]
    environment = SECRETS if "ciphered" in way else {}
    options = ["--clone", saved, "--listen", "127.0.0.1:0", *both, *ours, *ciphered, "--json"]
    with Process(tmp_path, "meter", *options, **environment) as process:
        link = json.loads(process.line("link"))["link"]
        ran = openami("read", link, ENERGY, *theirs, "--json")
        assert ran.status == 0, ran.err
        assert ran.objects[1]["value"] == 48_000


def pem(private):
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    ("content", "message"),
    [("{", "this is none"), ("{}", "its format is not"), (None, "No such file")],
)
def test_a_record_that_is_none(openami, tmp_path, content, message):
    file = tmp_path / "record.json"
    if content is not None:
        file.write_text(content)
    ran = openami("meter", "--clone", file, "--listen", "127.0.0.1:0")
    assert ran.status == 1
    assert message in ran.err
    assert "record.json" in ran.err


def test_save_records_everything(openami, meter, tmp_path):
    ran = openami("read", meter.wrapper, ENERGY, "--save", tmp_path / "record.json")
    assert ran.status == 1
    assert "--save records all objects" in ran.err


@pytest.mark.parametrize("name", ["plain", "idis-2", "dsmr-5"])
def test_a_meter_that_plays_a_profile_does_not_deviate_from_it(openami, secrets, tmp_path, name):
    profile = resources.files("openami.protocols.dlms.companion") / "profiles" / f"{name}.toml"
    file = tmp_path / "profile.toml"
    file.write_text(profile.read_text(encoding="utf-8"))
    options = ["--clone", file, "--listen", "127.0.0.1:0", "--counters", tmp_path / "counters", "--json"]
    with Process(tmp_path, "meter", *options, **SECRETS) as process:
        clients = [json.loads(process.line("link"))]
        clients += [json.loads(process.line("link")) for _ in range(2)]
        for one in clients:
            proof = ["--client", one["client"], "--authentication", one["authentication"]]
            ran = openami("check", one["link"], "--profile", file, *proof)
            assert ran.status == 0, ran.out + ran.err


def test_a_profile_s_values_are_answered_to_those_who_may_read_them(openami, tmp_path):
    file = tmp_path / "own.toml"
    file.write_text(
        'name = "own"\n[clients.16]\n[clients.3]\nauthentication = "lls"\n'
        '[[objects]]\nlogical_name = "0-0:40.0.0*255"\nclass_id = 15\nversion = 1\nclients = [3, 16]\n'
        'attributes = { 2 = "r" }\n'
        '[[objects]]\nlogical_name = "1-0:1.8.0*255"\nclass_id = 3\nclients = [3, 16]\n'
        'values = { 2 = "0600003039", 3 = "02020f00161e" }\naccess.16.attributes = { 2 = "-" }\n'
    )
    with Process(
        tmp_path, "meter", "--clone", file, "--listen", "127.0.0.1:0", "--password", "12345678", "--json"
    ) as process:
        link = json.loads(process.line("link"))["link"]
        lls = ["--client", 3, "--authentication", "lls", "--password", "12345678"]
        values = {one["name"]: one for one in openami("read", link, ENERGY, *lls, "--json").objects}
        assert (values["value"]["value"], values["value"]["unit"]) == (12_345, "Wh")
        public = {one["name"]: one for one in openami("read", link, ENERGY, "--json").objects}
        assert "read-write-denied" in public["value"]["error"].replace("_", "-").lower()


def test_a_profile_whose_client_cannot_prove_itself(openami, tmp_path):
    file = tmp_path / "own.toml"
    file.write_text('name = "own"\nobjects = []\n[clients.1]\nauthentication = "hls7"\n')
    ran = openami("meter", "--clone", file, "--listen", "127.0.0.1:0")
    assert ran.status == 1
    assert "a client proves itself by hls7" in ran.err
