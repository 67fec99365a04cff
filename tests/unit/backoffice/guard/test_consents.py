"""One person after the other signs: the guard keeps what too few have signed, and decides when enough have."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from meter_bench import seeded
from openami.backoffice.audit.log import MerkleLog
from openami.backoffice.audit.merkle import leaf_hash, verify_inclusion
from openami.backoffice.audit.note import LogKey, read_checkpoint
from openami.backoffice.guard.answering import GuardAnswers
from openami.backoffice.guard.consents import OPEN_MAX, Consents
from openami.backoffice.guard.guard import activate_statement, delete_statement, prepare_statement, release_statement
from openami.backoffice.guard.limits import Counts, Limits
from openami.backoffice.guard.people import TooFew
from openami.backoffice.guard.plans import EmergencyPlan
from openami.io.spool.file_spool import FileSpool
from openami.protocols.seal.approval import ApprovalRecord
from openami.protocols.seal.verbs import CriticalVerb
from openami.protocols.wire.declared import codec_of, encode_all
from openami.protocols.zones.inner_message import (
    ActivatePlan,
    Agreed,
    AskPlans,
    AskQuarantine,
    Delete,
    PreparePlan,
    Release,
    Submit,
    Verdicts,
)
from openami.protocols.zones.log_message import ANSWER_BYTES_MAX, AskTail, Done, Refused
from openami.simulation.disk import FaultDisk
from two_seals import NOW, WINTER, Office, intent

FEW = Limits(per_person={CriticalVerb.DISCONNECT: Counts(1, 9, 9, 9)})
OCTETS = msgspec.msgpack.encode(WINTER)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
MINUTE = NOW // 60


class Asked:
    """A guard that allows one disconnection a minute, and who asks it."""

    def __init__(self):
        self.office = Office(FaultDisk(), limits=FEW)
        self.log = MerkleLog(FileSpool(Path("/log"), disk=FaultDisk(), random=seeded()), "openami.localhost/guard")
        assert list(self.log.replay()) == []
        self.answers = GuardAnswers(self.office.guard, self.log, KEY)

    def held(self):
        """A command that is held back: the second one of a minute."""
        approved = self.office.approved(intent(100), intent(200))
        answer = self.ask(Submit(encode_all(codec_of(ApprovalRecord), approved.record), list(approved.signed)))
        return answer.verdicts[1].digest

    def ask(self, request):
        return self.answers.answer(request)

    def consent(self, statement, name):
        return self.office.consents(statement, name)


@pytest.fixture
def asked():
    return Asked()


def test_two_release_one_after_the_other(asked):
    digest = asked.held()
    statement = release_statement(digest)
    assert asked.ask(Release(digest, asked.consent(statement, "r1"))) == Agreed(("r1",), 2)
    assert asked.ask(AskQuarantine()).held[0].releasing == ("r1",)
    assert asked.ask(Release(digest, asked.consent(statement, "r1"))) == Agreed(("r1",), 2), (
        "the same person counts once"
    )
    answer = asked.ask(Release(digest, asked.consent(statement, "r2")))
    assert isinstance(answer, Verdicts)
    assert answer.verdicts[0].envelope
    assert asked.ask(AskQuarantine()).held == []


def test_who_took_part_is_refused_and_takes_nobody_with_them(asked):
    digest = asked.held()
    statement = delete_statement(digest)
    assert asked.ask(Delete(digest, asked.consent(statement, "r1"))) == Agreed(("r1",), 2)
    refused = asked.ask(Delete(digest, asked.consent(statement, "anna")))
    assert isinstance(refused, Refused)
    assert "took part" in refused.detail
    assert asked.ask(AskQuarantine()).held[0].deleting == ("r1",)
    assert asked.ask(Delete(digest, asked.consent(statement, "r2"))) == Done()


def test_a_release_is_no_deletion(asked):
    digest = asked.held()
    asked.ask(Release(digest, asked.consent(release_statement(digest), "r1")))
    assert asked.ask(Delete(digest, asked.consent(delete_statement(digest), "r2"))) == Agreed(("r2",), 2)
    assert isinstance(asked.ask(Delete(digest, asked.consent(release_statement(digest), "r3"))), Refused)


def test_planners_sign_one_after_the_other(asked):
    statement = prepare_statement(WINTER, 0)
    for number, name in enumerate(("p1", "p2")):
        answer = asked.ask(PreparePlan(OCTETS, asked.consent(statement, name)))
        assert answer == Agreed(("p1", "p2")[: number + 1], 3)
    told = asked.ask(AskPlans())
    assert (told.decisions, told.plans) == (0, [])
    assert [(one.plan, one.minute, one.persons) for one in told.proposed] == [(OCTETS, None, ("p1", "p2"))]
    assert asked.ask(PreparePlan(OCTETS, asked.consent(statement, "p3"))) == Done()
    asked.ask(ActivatePlan("winter", MINUTE, asked.consent(activate_statement(WINTER, MINUTE), "p1")))
    told = asked.ask(AskPlans())
    assert (told.decisions, told.proposed[0].minute, told.proposed[0].needed) == (1, MINUTE, 2)
    answer = asked.ask(ActivatePlan("winter", MINUTE, asked.consent(activate_statement(WINTER, MINUTE), "p2")))
    assert answer == Done(NOW + WINTER.lasts_s)
    told = asked.ask(AskPlans())
    assert (told.proposed, told.plans[0].until, told.plans[0].spent_w) == ([], NOW + WINTER.lasts_s, 0)


def test_what_was_signed_before_another_decision_counts_for_nothing(asked):
    other = EmergencyPlan(name="autumn", verbs=WINTER.verbs, feeders=WINTER.feeders, power_w=1, lasts_s=60)
    asked.ask(PreparePlan(OCTETS, asked.consent(prepare_statement(WINTER, 0), "p1")))
    three = asked.office.consents(prepare_statement(other, 0), "p1", "p2", "p3")
    assert asked.ask(PreparePlan(msgspec.msgpack.encode(other), three)) == Done()
    assert asked.ask(PreparePlan(OCTETS, asked.consent(prepare_statement(WINTER, 1), "p2"))) == Agreed(("p2",), 3)


def test_nobody_is_no_beginning(asked):
    digest = asked.held()
    assert isinstance(asked.ask(Release(digest, [])), Refused)
    assert isinstance(asked.ask(ActivatePlan("spring", MINUTE, [])), Refused), "there is no such plan"
    limits = asked.ask(AskPlans())
    assert limits.proposed == []


def test_the_oldest_statement_makes_room():
    def too_few(_given):
        raise TooFew(("p1",), 2)

    consents = Consents()
    for number in range(OPEN_MAX + 2):
        with pytest.raises(TooFew):
            consents.decide(b"%d" % number, number, (), too_few)
    assert [one.about for one in consents.open()] == list(range(2, OPEN_MAX + 2))
    assert consents.persons(b"0") == ()
    assert consents.persons(b"5") == ("p1",)


def test_the_end_of_the_log_is_told_with_proofs_as_much_as_fits(asked):
    asked.log.add([b"small", *(bytes((number,)) * (ANSWER_BYTES_MAX // 2 - 100) for number in range(3))])
    tail = asked.ask(AskTail(10))
    head = read_checkpoint(tail.note, LogKey("openami.localhost/guard", KEY.public_key()))
    assert (head.size, [leaf.index for leaf in tail.leaves]) == (4, [2, 3])
    for leaf in tail.leaves:
        verify_inclusion(leaf_hash(leaf.record), leaf.index, head.size, head.root, leaf.proof)
    assert [leaf.index for leaf in asked.ask(AskTail(1)).leaves] == [3]
