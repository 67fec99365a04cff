"""Authority, guard and witness as processes would be: own keys, own people, TLS, and only operations may ask."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

import two_seals
from meter_bench import seeded
from openami.app.inner_zones import run_authority, run_guard, run_witness
from openami.app.installation import install
from openami.app.people_file import PeopleFile
from openami.app.places import read_places
from openami.app.sealing_keys import (
    AGREEMENT_LABEL,
    GUARD_TITLE,
    ROLES,
    WRAPPING_LABEL,
    Hsm,
    ed25519_key,
    open_sealing_keys,
)
from openami.app.settings import Settings
from openami.backoffice.audit.merkle import leaf_hash, verify_inclusion
from openami.backoffice.audit.note import LogKey, WitnessKey, read_checkpoint, witnessed
from openami.io.clock import SystemClock
from openami.io.disk import SystemDisk
from openami.io.keystore.file_keystore import FileKeystore
from openami.io.keystore.meter_keys import MeterKeys
from openami.io.keystore.tls import client_context
from openami.io.keystore.wrapped_keystore import WrappedKeystore
from openami.io.links.asking import ask
from openami.io.links.tcp import connect_tcp
from openami.model.errors import LinkError, SecurityError, SettingError
from openami.protocols.dlms.asymmetric import encode_point
from openami.protocols.seal.approval import CommandList, Intent
from openami.protocols.seal.keys import Authority
from openami.protocols.seal.opening import MeterMoment, MeterSeal, open_command
from openami.protocols.seal.roles import Role
from openami.protocols.wire.declared import codec_of, encode_all
from openami.protocols.zones.inner_message import (
    Approve,
    ApproveAlone,
    AskFor,
    AskOrder,
    AskOrders,
    AskQuarantine,
    Made,
    Orders,
    PreparePlan,
    Quarantine,
    Release,
    Sign,
    SignedCommands,
    Submit,
    Verdicts,
)
from openami.protocols.zones.log_message import (
    AddCheckpoint,
    AskCheckpoint,
    AskInclusion,
    Cosigned,
    Done,
    Head,
    HeadIs,
    Included,
)
from seal_keys import AUTHENTICATION_KEY, DISCONNECT, METER_AGREEMENT, RECONNECT
from soft_hsm import soft_hsm

CLOCK = SystemClock()
TITLE = two_seals.title(0)
NAME = "openami.localhost"


class Site:
    """An installation whose inner parts run in this process, each behind its port."""

    def __init__(self, folder, *, tokens=False):
        settings = Settings()
        changed = {name: {"listen": "127.0.0.1:0"} for name in ("authority", "guard", "witness")}
        if tokens:
            changed["authority"]["keys"], changed["guard"]["keys"] = soft_hsm().token(), soft_hsm().token()
        changed["authority"]["operators"] = ("anna", "bela")
        changed["guard"]["feeders"] = ("F0=100000000",)
        self.installation, _ = install(folder, self._with(settings, changed))
        for name in ("authority", "guard"):
            section = getattr(self.installation.settings, name)
            (folder / section.passphrase_file).write_text("a passphrase\n")
        authority, self.guard_keys = (self._keys(name) for name in ("authority", "guard"))
        self.signing, self.agreeing = authority.make_key(ROLES[0].label), self.guard_keys.make_key(AGREEMENT_LABEL)
        (folder / "guard-records").mkdir()
        origin = ed25519_key(folder / "guard-records" / "log.key")
        self.log_key = LogKey(f"{NAME}/guard", origin.public_key())
        logs = (f"{NAME}/guard={origin.public_key().public_bytes_raw().hex()}",)
        key = encode_point(self.signing).hex()
        more = {"guard": {"authority_key": key}, "witness": {"logs": logs}}
        self.installation = replace(self.installation, settings=self._with(self.installation.settings, more))
        self._meters(folder)
        for file in ("authority.people", "guard.people"):
            people = PeopleFile(folder / file, SystemDisk())
            for name in ("anna", "bela"):
                people.add(two_seals.authenticator(name).passkey)
        self.ports = {}

    def _with(self, settings, changed):
        sections = {name: msgspec.structs.replace(getattr(settings, name), **one) for name, one in changed.items()}
        return msgspec.structs.replace(settings, **sections)

    def _keys(self, name):
        section = getattr(self.installation.settings, name)
        return open_sealing_keys(self.installation, section.keys, section.passphrase_file)

    def _meters(self, folder):
        point = encode_point(METER_AGREEMENT.public_key).hex()
        text = "system_title,operator,feeder,transformer,power_w,protected,agreement\n"
        text += "".join(f"{two_seals.title(n).hex()},operator,F0,T{n // 100},2000,,{point}\n" for n in range(200))
        (folder / "places.csv").write_text(text)
        record = MeterKeys(bytes(16), AUTHENTICATION_KEY)
        if isinstance(self.guard_keys, Hsm):
            self.guard_keys.make_wrapping_key(WRAPPING_LABEL)
            store = WrappedKeystore(
                folder / "guard-meters.bin", self.guard_keys.wrapping(WRAPPING_LABEL), disk=SystemDisk()
            )
        else:
            store = FileKeystore(
                folder / "guard-meters.bin", "a passphrase", disk=SystemDisk(), random=seeded(), scrypt_log2_n=10
            )
        store.put(TITLE, record)

    async def ask(self, part, request, expected, *, own=None):
        own = own or self.installation.operations_certificate()
        tls = client_context(own.authority, own)

        async def connect():
            return await connect_tcp("127.0.0.1", self.ports[part], tls=tls, server_name=f"{part}.{NAME}")

        return await ask(connect, request, expected, CLOCK, 10)

    async def approved(self, apdu=DISCONNECT):
        commands = CommandList(bytes(16), int(Role.NETWORK_OPERATOR), "", (Intent(TITLE, apdu, 900),))
        octets = encode_all(codec_of(CommandList), commands)
        anna, bela = two_seals.authenticator("anna"), two_seals.authenticator("bela")
        made = await self.ask("authority", AskFor(octets, anna.consent(commands.request_challenge())), Made)
        (waiting,) = (await self.ask("authority", AskOrders(), Orders)).orders
        assert (waiting.request, waiting.commands, waiting.approval) == (made.request, octets, b"")
        assert (await self.ask("authority", AskOrder(made.request), Orders)).orders == [waiting]
        with pytest.raises(SecurityError, match="not approved"):
            await self.ask("authority", Sign(made.request), SignedCommands)
        with pytest.raises(SecurityError, match="another person"):
            await self.ask("authority", Approve(made.request, anna.consent(commands.approval_challenge())), Done)
        await self.ask("authority", Approve(made.request, bela.consent(commands.approval_challenge())), Done)
        return await self.ask("authority", Sign(made.request), SignedCommands)

    def meter(self):
        title = ROLES[0].title
        trusted = {title: Authority(title, Role.NETWORK_OPERATOR, self.signing)}
        return MeterSeal(TITLE, METER_AGREEMENT, AUTHENTICATION_KEY, GUARD_TITLE, self.agreeing, trusted)


class Running:
    """A site whose three parts run."""

    def __init__(self, site):
        self.site = site
        self.stack = AsyncExitStack()

    async def __aenter__(self):
        runs = {"authority": run_authority, "guard": run_guard, "witness": run_witness}
        for name, run in runs.items():
            server = await self.stack.enter_async_context(run(self.site.installation, CLOCK))
            self.site.ports[name] = server.port
        return self.site

    async def __aexit__(self, *_):
        await self.stack.aclose()


@pytest.mark.parametrize("tokens", [False, True])
async def test_a_command_goes_from_two_people_through_both_parts_to_the_meter(tmp_path, tokens):
    async with Running(Site(tmp_path / "site", tokens=tokens)) as site:
        signed = await site.approved()
        verdicts = await site.ask("guard", Submit(signed.record, signed.signed), Verdicts)
        (envelope,) = verdicts.verdicts
        opened = open_command(envelope.envelope, site.meter(), MeterMoment(CLOCK.time()), lambda _: 0)
        assert opened.command.apdu == DISCONNECT
        assert envelope.recipient == TITLE


async def test_the_guards_log_is_witnessed_and_its_records_are_proven(tmp_path):
    async with Running(Site(tmp_path / "site")) as site:
        signed = await site.approved()
        await site.ask("guard", Submit(signed.record, signed.signed), Verdicts)
        head = await site.ask("guard", AskCheckpoint(0), Head)
        cosigned = await site.ask("witness", AddCheckpoint(f"{NAME}/guard", 0, head.proof, head.note), Cosigned)
        key = WitnessKey("witness.openami.localhost", ed25519_key(tmp_path / "site" / "witness.key").public_key())
        assert witnessed(head.note + cosigned.line, key)
        checkpoint = read_checkpoint(head.note, site.log_key)
        found = await site.ask("guard", AskInclusion(0, head.size), Included)
        verify_inclusion(leaf_hash(found.record), 0, checkpoint.size, checkpoint.root, found.proof)
        assert (await site.ask("witness", AddCheckpoint(f"{NAME}/guard", 0, [], head.note), HeadIs)).size == 1
        with pytest.raises(SecurityError, match="no log"):
            await site.ask("witness", AddCheckpoint("elsewhere", 0, [], head.note), Cosigned)
        with pytest.raises(SecurityError):
            await site.ask("authority", AskInclusion(99, 100), Included)


async def test_the_head_end_may_not_ask(tmp_path):
    async with Running(Site(tmp_path / "site")) as site:
        own = replace(site.installation.headend_certificate())
        for part, request in (("authority", AskOrders()), ("guard", AskQuarantine())):
            with pytest.raises(LinkError):
                await site.ask(part, request, Orders, own=own)


async def test_what_nobody_signed_is_refused_in_words(tmp_path):
    async with Running(Site(tmp_path / "site")) as site:
        signed = await site.approved(RECONNECT)
        with pytest.raises(SecurityError):
            await site.ask("guard", Submit(signed.record, [b"rubbish"]), Verdicts)
        with pytest.raises(SecurityError):
            await site.ask("guard", PreparePlan(b"\xc1", []), Done)
        with pytest.raises(SecurityError, match="not in quarantine"):
            await site.ask("guard", Release(bytes(32), []), Verdicts)
        with pytest.raises(SecurityError):
            await site.ask("authority", ApproveAlone(b"none"), Done)
        assert (await site.ask("guard", AskQuarantine(), Quarantine)).held == []


async def test_a_restart_forgets_nothing(tmp_path):
    site = Site(tmp_path / "site")
    async with Running(site):
        await site.approved()
        before = await site.ask("authority", AskCheckpoint(0), Head)
    async with Running(site):
        after = await site.ask("authority", AskCheckpoint(0), Head)
    assert (after.size, after.note) == (before.size, before.note)


async def test_rubbish_ends_the_connection_and_the_next_is_served(tmp_path):
    async with Running(Site(tmp_path / "site")) as site:
        own = site.installation.operations_certificate()
        tls = client_context(own.authority, own)
        link = await connect_tcp("127.0.0.1", site.ports["guard"], tls=tls, server_name=f"guard.{NAME}")
        await link.send(b"\xff" * 64)
        assert await asyncio.wait_for(_rest(link), 10) == b""
        assert (await site.ask("guard", AskQuarantine(), Quarantine)).held == []


async def _rest(link):
    try:
        return await link.receive()
    except LinkError:
        return b""


def test_places_name_the_line_that_is_wrong(tmp_path):
    file = Path(tmp_path / "places.csv")
    file.write_text("system_title,operator,feeder,transformer,power_w,protected,agreement\n00,o,F,T,1,,00\n")
    with pytest.raises(SettingError, match="line 2"):
        read_places(file)
