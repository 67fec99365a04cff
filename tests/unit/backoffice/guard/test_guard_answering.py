"""What the guard answers to each request of its zone."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from meter_bench import seeded
from openami.backoffice.audit.log import MerkleLog
from openami.backoffice.guard.answering import GuardAnswers
from openami.backoffice.guard.guard import (
    activate_statement,
    delete_statement,
    limits_statement,
    prepare_statement,
    release_statement,
)
from openami.backoffice.guard.limits import DAY_S, Counts, Limits
from openami.io.spool.file_spool import FileSpool
from openami.protocols.seal.approval import ApprovalRecord
from openami.protocols.seal.verbs import CriticalVerb
from openami.protocols.wire.declared import codec_of, encode_all
from openami.protocols.zones.inner_message import (
    ActivatePlan,
    AskQuarantine,
    ChangeLimits,
    Delete,
    PreparePlan,
    Quarantine,
    Release,
    Submit,
    Verdicts,
)
from openami.protocols.zones.log_message import AskCheckpoint, Done, Head, Refused
from openami.simulation.disk import FaultDisk
from two_seals import NOW, WINTER, Office, intent, title

FEW = Limits(per_person={CriticalVerb.DISCONNECT: Counts(1, 9, 9, 9)})


class Asked:
    """A guard that allows one disconnection a minute, and who asks it."""

    def __init__(self):
        self.office = Office(FaultDisk(), limits=FEW)
        log = MerkleLog(FileSpool(Path("/log"), disk=FaultDisk(), random=seeded()), "openami.localhost/guard")
        assert list(log.replay()) == []
        log.add([b"a record"])
        self.answers = GuardAnswers(self.office.guard, log, Ed25519PrivateKey.from_private_bytes(bytes(32)))

    def ask(self, request):
        return self.answers.answer(request)

    def submit(self, *numbers):
        approved = self.office.approved(*(intent(number) for number in numbers))
        return self.ask(Submit(encode_all(codec_of(ApprovalRecord), approved.record), list(approved.signed)))

    def consents(self, statement, *names):
        return self.office.consents(statement, *names)


@pytest.fixture
def asked():
    return Asked()


def test_what_fits_is_sealed_and_what_does_not_is_held(asked):
    answer = asked.submit(100, 200)
    assert isinstance(answer, Verdicts)
    sealed, held = answer.verdicts
    assert (sealed.recipient, sealed.check, sealed.reason) == (title(100), "", "")
    assert sealed.envelope[0] == 0xDD
    assert (held.envelope, held.check) == (b"", "counts_are_kept")
    assert "1 × disconnect in 60 s" in held.reason
    waiting = asked.ask(AskQuarantine())
    assert isinstance(waiting, Quarantine)
    (one,) = waiting.held
    assert (one.digest, one.check, one.persons, one.releasable) == (held.digest, held.check, ("anna", "bela"), True)
    assert (one.at, one.reason) == (NOW, held.reason)


def test_others_release_or_delete_it(asked):
    _, first, second = asked.submit(100, 200, 300).verdicts
    answer = asked.ask(Release(first.digest, asked.consents(release_statement(first.digest), "r1", "r2")))
    assert [one.recipient for one in answer.verdicts] == [title(200)]
    assert asked.ask(Delete(second.digest, asked.consents(delete_statement(second.digest), "r1", "r2"))) == Done()
    assert asked.ask(AskQuarantine()).held == []
    refused = asked.ask(Delete(second.digest, asked.consents(delete_statement(second.digest), "r1", "r2")))
    assert isinstance(refused, Refused)
    assert "not in quarantine" in refused.detail


def test_planners_prepare_activate_and_change_limits(asked):
    planners = ("p1", "p2", "p3")
    plan = asked.consents(prepare_statement(WINTER, 0), *planners)
    assert asked.ask(PreparePlan(msgspec.msgpack.encode(WINTER), plan)) == Done(0.0)
    minute = NOW // 60
    active = asked.consents(activate_statement(WINTER, minute), "p1", "p2")
    assert asked.ask(ActivatePlan("winter", minute, active)) == Done(NOW + 3600)
    limits = asked.consents(limits_statement(Limits(operator_w=5), 1), *planners)
    assert asked.ask(ChangeLimits(msgspec.msgpack.encode(Limits(operator_w=5)), limits)) == Done(NOW + DAY_S)
    assert asked.office.guard.state.limits(NOW + DAY_S).operator_w == 5


def test_what_cannot_be_read_is_refused_in_words(asked):
    for request in (PreparePlan(b"\xc1", []), ChangeLimits(b"\xc1", [])):
        answer = asked.ask(request)
        assert isinstance(answer, Refused)
        assert f"at offset 0 in {type(request).__name__}" in answer.detail
    assert isinstance(asked.ask(Submit(b"\xff", [])), Refused)


def test_it_tells_the_head_of_its_log(asked):
    answer = asked.ask(AskCheckpoint(0))
    assert isinstance(answer, Head)
    assert answer.size == 1
    assert answer.note.startswith("openami.localhost/guard\n1\n")
