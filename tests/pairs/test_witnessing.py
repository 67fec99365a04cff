"""Roots of metering data and heads of logs: entered, cosigned by a witness behind TLS, and a second history refused."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import pytest

from openami.app.expiry import endings
from openami.app.inner_zones import inner_part, run_witness
from openami.app.installation import install, renew_certificates
from openami.app.records import enter_command, open_audit
from openami.app.sealing_keys import ed25519_key
from openami.app.settings import Settings
from openami.app.witnessing import Witnessing, log_key_file
from openami.backoffice.audit.entry import Kind
from openami.backoffice.audit.note import LogKey, WitnessKey, read_checkpoint, witnessed
from openami.backoffice.mdm.roots import Roots
from openami.io.blocking import inline
from openami.io.clock import SystemClock
from openami.io.disk import SystemDisk

CLOCK = SystemClock()
NAME = "openami.localhost"


def logs_of(installation):
    every = installation.settings
    records = {"operations": every.operations.records, "commands": every.audit.commands}
    keys = {}
    for log, folder in records.items():
        installation.path(folder).mkdir(exist_ok=True)
        keys[log] = ed25519_key(log_key_file(installation, folder)).public_key()
    return keys


def with_section(installation, name, **values):
    section = msgspec.structs.replace(getattr(installation.settings, name), **values)
    return replace(installation, settings=msgspec.structs.replace(installation.settings, **{name: section}))


@pytest.fixture
def site(tmp_path):
    made, _ = install(tmp_path / "site", Settings())
    logs = tuple(f"{NAME}/{log}={key.public_bytes_raw().hex()}" for log, key in logs_of(made).items())
    made = with_section(made, "witness", listen="127.0.0.1:0", logs=logs)
    key = ed25519_key(made.path("witness.key")).public_key()
    return with_section(made, "audit", witness_key=key.public_bytes_raw().hex())


def witnessing(installation, audit, port):
    own, records = installation.operations_certificate(), installation.settings.operations.records
    asked = inner_part(installation, own, "witness", f"127.0.0.1:{port}") if port else None
    roots = Roots(installation.open_store(), audit, installation.path("known-rows"), SystemDisk())
    return Witnessing(installation, audit, roots, CLOCK, inline, asked, own, records, {})


async def test_heads_of_both_logs_are_cosigned_and_kept(site):
    enter_command(site, CLOCK, Kind.KEY, "guard", "made a key")
    async with run_witness(site, CLOCK) as server:
        with open_audit(site, CLOCK) as audit:
            audit.enter(Kind.PERSONAL_DATA, "anna", "metering_point A", "looked at energy")
            running = witnessing(site, audit, server.port)
            await running.once()
            first = audit.cosigned
            audit.enter(Kind.PERSONAL_DATA, "anna", "metering_point B", "looked at energy")
            await running.once()
            assert read_checkpoint(audit.cosigned, _log(site, "operations")).size == 2
            assert read_checkpoint(first, _log(site, "operations")).size == 1
        with open_audit(site, CLOCK) as audit:
            assert witnessed(audit.cosigned, _witness(site)) > 0
    note = (site.path("cosigned") / "commands.note").read_text()
    assert read_checkpoint(note, _log(site, "commands")).size == 1
    assert witnessed(note, _witness(site)) > 0


async def test_a_back_office_that_forgot_its_size_goes_on_from_the_witnesss(site):
    async with run_witness(site, CLOCK) as server:
        with open_audit(site, CLOCK) as audit:
            audit.enter(Kind.CONSENT, "anna", "x", "y")
            await witnessing(site, audit, server.port).once()
            audit.enter(Kind.CONSENT, "anna", "x", "z")
            await witnessing(site, audit, server.port).once()
            assert read_checkpoint(audit.cosigned, _log(site, "operations")).size == 2


async def test_another_history_is_not_cosigned_and_that_is_an_alert(site):
    async with run_witness(site, CLOCK) as server:
        with open_audit(site, CLOCK) as audit:
            audit.enter(Kind.COMMAND, "anna", "x", "what happened")
            await witnessing(site, audit, server.port).once()
        for file in site.path("operations-records").iterdir():
            if file.name != "log.key":
                file.unlink()
        with open_audit(site, CLOCK) as audit:
            audit.enter(Kind.COMMAND, "anna", "x", "what somebody would rather have happened")
            await witnessing(site, audit, server.port).once()
            (alert,) = audit.of_kind(Kind.ALERT)
            assert "does not continue" in alert.what or "differ" in alert.what


async def test_without_a_witness_the_log_goes_on(site):
    with open_audit(site, CLOCK) as audit:
        await witnessing(site, audit, 0).once()
        assert audit.cosigned == ""
    async with run_witness(site, CLOCK) as server:
        port = server.port
    with open_audit(site, CLOCK) as audit:
        await witnessing(site, audit, port).once()
        assert audit.of_kind(Kind.ALERT) == []
    shutil.rmtree(site.path("known-rows"))


def _log(site, log):
    return LogKey(f"{NAME}/{log}", logs_of(site)[log])


def _witness(site):
    return WitnessKey("witness.openami.localhost", ed25519_key(site.path("witness.key")).public_key())


async def test_a_certificate_that_ends_soon_is_alarmed_once_at_each_stage(site):
    class Later:
        at = CLOCK.time()

        def time(self):
            return self.at

        monotonic = time

    clock = Later()
    with open_audit(site, CLOCK) as audit:
        roots = Roots(site.open_store(), audit, site.path("known-rows"), SystemDisk())
        own = site.operations_certificate()
        running = Witnessing(site, audit, roots, clock, inline, None, own, "operations-records", {})
        counts = []
        for days in (0, 55, 61, 61, 77, 84, 91):
            clock.at = Later.at + days * 86_400
            await running.once()
            counts.append(len(audit.of_kind(Kind.ALERT)))
        told = audit.of_kind(Kind.ALERT)
    parts = counts[2]
    assert counts == [0, 0, parts, parts, 2 * parts, 3 * parts, 4 * parts]
    assert parts >= 6
    assert "ends in 28 days" in told[0].what


def test_certificates_are_renewed_under_the_same_authority(site):
    before = {one.file: one.file.read_bytes() for one in endings(site, datetime.now(UTC))}
    renew_certificates(site)
    after = {one.file: one.file.read_bytes() for one in endings(site, datetime.now(UTC))}
    authority = site.path(site.settings.zones.authority)
    assert before.keys() == after.keys()
    assert [file for file in before if before[file] == after[file]] == [authority]
    assert all(one.days == 89 for one in endings(site, datetime.now(UTC)) if one.file != authority)
