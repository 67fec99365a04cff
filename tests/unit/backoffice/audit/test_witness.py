"""A log and its witness: heads are signed, kept before they are cosigned, and never contradicted."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from meter_bench import seeded
from openami.backoffice.audit.entry import Audit, Kind
from openami.backoffice.audit.log import MerkleLog
from openami.backoffice.audit.merkle import leaf_hash, verify_inclusion
from openami.backoffice.audit.note import Checkpoint, LogKey, WitnessKey, read_checkpoint, sign_checkpoint, witnessed
from openami.backoffice.audit.witness import HeadDiffers, SplitView, Witness
from openami.io.spool.file_spool import FileSpool
from openami.model.errors import DecodeError, SecurityError, SettingError, StoreError
from openami.simulation.disk import FaultDisk

ORIGIN = "openami.localhost/operations"
LOG = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
WITNESS = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
LOG_KEY = LogKey(ORIGIN, LOG.public_key())
WITNESS_KEY = WitnessKey("witness.example", WITNESS.public_key())
NOW = 1_767_225_600.0


def log_of(disk, entries=0):
    log = MerkleLog(FileSpool(Path("/audit"), disk=disk, random=seeded()), ORIGIN)
    audit = Audit(log, lambda: NOW)
    for number in range(entries):
        audit.enter(Kind.KEY, "anna", f"meter {number}", "rolled over", bytes(32))
    return audit


def witness_on(disk):
    return Witness("witness.example", WITNESS, {ORIGIN: LOG_KEY}, Path("/w/heads"), disk=disk, clock=lambda: NOW)


def step(witness, log, old):
    return witness.add_checkpoint(ORIGIN, old, log.tree.consistency(old), log.checkpoint(LOG))


def test_a_checkpoint_is_text_that_its_log_has_signed():
    audit = log_of(FaultDisk(), 3)
    note = audit.log.checkpoint(LOG)
    assert read_checkpoint(note, LOG_KEY) == Checkpoint(ORIGIN, 3, audit.log.tree.root())
    assert re.fullmatch(rf"{ORIGIN}\n3\n\S{{44}}\n\n— {ORIGIN} \S+\n", note)
    for bad in (note.replace("\n3\n", "\n4\n"), note.replace("localhost", "localhast")):
        with pytest.raises((SecurityError, DecodeError)):
            read_checkpoint(bad, LOG_KEY)


def test_a_witness_cosigns_what_continues():
    audit, disk = log_of(FaultDisk(), 3), FaultDisk()
    witness = witness_on(disk)
    note = audit.log.checkpoint(LOG) + step(witness, audit.log, 0)
    assert witnessed(note, WITNESS_KEY) == NOW
    audit.enter(Kind.CONSENT, "customer 8f", "third party 2", "withdrawn")
    step(witness, audit.log, 3)
    assert witness.head(ORIGIN).size == 4
    with pytest.raises(HeadDiffers) as caught:
        step(witness_on(disk), audit.log, 3)
    assert caught.value.size == 4


def test_a_second_history_is_refused_also_after_a_restart():
    disk = FaultDisk()
    step(witness_on(disk), log_of(FaultDisk(), 5).log, 0)
    other = log_of(FaultDisk(), 2)
    for _ in range(4):
        other.enter(Kind.KEY, "somebody", "else", "did it")
    with pytest.raises(SplitView, match="5 leaves"):
        step(witness_on(disk), other.log, 5)
    with pytest.raises(SplitView):
        witness_on(disk).add_checkpoint(ORIGIN, 5, [], sign_checkpoint(Checkpoint(ORIGIN, 4, bytes(32)), LOG))


def test_a_head_is_on_the_disk_before_it_is_cosigned():
    audit = log_of(FaultDisk(), 5)
    disk = FaultDisk()
    disk.make_folder(Path("/w"))
    step(witness_on(disk), audit.log, 0)
    assert witness_on(disk.after_power_cut()).head(ORIGIN).size == 5
    full = FaultDisk()
    full.make_folder(Path("/w"))
    witness = witness_on(full)
    full.room = 0
    with pytest.raises(StoreError, match="nothing was cosigned"):
        step(witness, audit.log, 0)
    assert witness.head(ORIGIN).size == 0


def test_a_damaged_memory_is_not_begun_anew():
    disk = FaultDisk()
    step(witness_on(disk), log_of(FaultDisk(), 1).log, 0)
    disk.truncate(Path("/w/heads"), 3)
    with pytest.raises(StoreError, match="never begin anew"):
        witness_on(disk)


def test_unknown_logs_and_forged_heads_are_refused():
    witness, audit = witness_on(FaultDisk()), log_of(FaultDisk(), 2)
    with pytest.raises(SecurityError, match="no log"):
        witness.add_checkpoint("elsewhere", 0, [], audit.log.checkpoint(LOG))
    with pytest.raises(SecurityError, match="not signed"):
        witness.add_checkpoint(ORIGIN, 0, [], audit.log.checkpoint(WITNESS))


def test_a_record_is_proven_to_be_in_the_log():
    disk = FaultDisk()
    log_of(disk, 7).log._spool.close()
    audit = log_of(disk)
    found = audit.log.inclusion(4)
    verify_inclusion(leaf_hash(found.record), 4, 7, audit.log.tree.root(), found.proof)
    assert audit.entries(4, 1)[0].subject == "meter 4"
    assert [one.subject for one in audit.entries(5, 10)] == ["meter 5", "meter 6"]
    with pytest.raises(SettingError):
        audit.log.inclusion(7)
    with pytest.raises(SettingError):
        audit.log.records(0, 0)


@pytest.mark.parametrize(
    "change",
    [
        lambda note: note.replace("— ", "- "),
        lambda note: note.rstrip("\n"),
        lambda note: note.replace("\n2\n", "\n02\n"),
        lambda note: note.partition("\n\n")[0],
        lambda note: note + note.splitlines()[-1] + "\n" + "x" * 20_000,
        lambda note: note.replace(ORIGIN + " ", ORIGIN + " !"),
        lambda note: note.replace(note.splitlines()[2], b64encode(bytes(31)).decode()),
    ],
)
def test_notes_have_one_form(change):
    note = log_of(FaultDisk(), 2).log.checkpoint(LOG)
    with pytest.raises((DecodeError, SecurityError)):
        read_checkpoint(change(note), LOG_KEY)


def test_base64_has_one_form():
    note = log_of(FaultDisk(), 2).log.checkpoint(LOG)
    root = note.splitlines()[2]
    loose = root[:-2] + chr(ord(root[-2]) + 1) + "="
    assert b64decode(loose) == b64decode(root)
    with pytest.raises((DecodeError, SecurityError)):
        read_checkpoint(note.replace(root, loose), LOG_KEY)


def test_names_have_no_spaces():
    with pytest.raises(SettingError):
        sign_checkpoint(Checkpoint("two words", 0, bytes(32)), LOG)
