"""Planners and releasers sign one after the other: what they signed is kept until enough have, and shown."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from meter_bench import seeded
from openami.backoffice.audit.log import MerkleLog
from openami.backoffice.guard.answering import GuardAnswers
from openami.backoffice.guard.consents import OPEN_MAX, Consents
from openami.backoffice.guard.guard import (
    activate_statement,
    delete_statement,
    limits_statement,
    prepare_statement,
    release_statement,
)
from openami.backoffice.guard.limits import DAY_S, Counts, Limits
from openami.backoffice.guard.people import TooFew
from openami.io.spool.file_spool import FileSpool
from openami.model.errors import SecurityError
from openami.protocols.seal.approval import ApprovalRecord
from openami.protocols.seal.verbs import CriticalVerb
from openami.protocols.wire.declared import codec_of, encode_all
from openami.protocols.zones.inner_message import (
    ActivatePlan,
    Agreed,
    AskPlans,
    AskQuarantine,
    ChangeLimits,
    Delete,
    PlanIs,
    Plans,
    PreparePlan,
    Proposed,
    Release,
    Submit,
    Verdicts,
)
from openami.protocols.zones.log_message import Done, Refused
from openami.simulation.disk import FaultDisk
from two_seals import NOW, WINTER, Office, intent

RAW = msgspec.msgpack.encode(WINTER)
MINUTE = NOW // 60


class Asked:
    def __init__(self):
        self.office = Office(FaultDisk(), limits=Limits(per_person={CriticalVerb.DISCONNECT: Counts(1, 9, 9, 9)}))
        log = MerkleLog(FileSpool(Path("/log"), disk=FaultDisk(), random=seeded()), "openami.localhost/guard")
        self.answers = GuardAnswers(self.office.guard, log, Ed25519PrivateKey.from_private_bytes(bytes(32)))

    def ask(self, request):
        return self.answers.answer(request)

    def prepare(self, *names):
        statement = prepare_statement(WINTER, self.office.guard.state.decisions)
        return self.ask(PreparePlan(RAW, self.office.consents(statement, *names)))

    def activate(self, *names, name="winter"):
        return self.ask(ActivatePlan(name, MINUTE, self.office.consents(activate_statement(WINTER, MINUTE), *names)))

    def submit(self, *numbers, emergency=False):
        intents = [intent(number, emergency=emergency) for number in numbers]
        approved = self.office.approved(*intents, plan="winter" if emergency else "")
        request = Submit(encode_all(codec_of(ApprovalRecord), approved.record), list(approved.signed))
        return self.ask(request).verdicts


@pytest.fixture
def asked():
    return Asked()


def test_a_plan_is_prepared_and_activated_by_one_planner_after_the_other(asked):
    assert asked.ask(AskPlans()) == Plans(0, [], [])
    assert asked.prepare("p1") == Agreed(("p1",), 3)
    assert asked.ask(AskPlans()) == Plans(0, [], [Proposed(RAW, None, ("p1",), 3)])
    assert asked.prepare("p1") == Agreed(("p1",), 3)
    assert asked.prepare("p2") == Agreed(("p1", "p2"), 3)
    assert asked.prepare("p3") == Done()
    assert asked.ask(AskPlans()) == Plans(1, [PlanIs(RAW, 0.0, 0)], [])
    assert asked.activate("p4") == Agreed(("p4",), 2)
    assert asked.ask(AskPlans()) == Plans(1, [PlanIs(RAW, 0.0, 0)], [Proposed(RAW, MINUTE, ("p4",), 2)])
    assert asked.activate("p5") == Done(NOW + 3600.0)
    assert asked.ask(AskPlans()) == Plans(1, [PlanIs(RAW, NOW + 3600.0, 0)], [])
    asked.submit(100, emergency=True)
    assert asked.ask(AskPlans()).plans == [PlanIs(RAW, NOW + 3600.0, 2000)]


def test_a_plan_that_nobody_prepared_cannot_be_activated(asked):
    refusal = asked.activate("p1", name="summer")
    assert isinstance(refusal, Refused)
    assert "no plan 'summer'" in refusal.detail


def test_who_signs_nothing_is_refused(asked):
    refusal = asked.prepare()
    assert isinstance(refusal, Refused)
    assert refusal.detail == "0 persons have signed, 3 are needed"


def test_limits_that_two_have_signed_are_no_proposal_of_a_plan(asked):
    loose = Limits(operator_w=10**9)
    raw = msgspec.msgpack.encode(loose)
    request = ChangeLimits(raw, asked.office.consents(limits_statement(loose, 0), "p1", "p2"))
    assert asked.ask(request) == Agreed(("p1", "p2"), 3)
    assert asked.ask(AskPlans()) == Plans(0, [], [])
    last = ChangeLimits(raw, asked.office.consents(limits_statement(loose, 0), "p3"))
    assert asked.ask(last) == Done(NOW + float(DAY_S))


def test_who_has_signed_for_what_is_held_back_is_shown(asked):
    _, held, other = asked.submit(100, 200, 300)
    release, delete = (
        asked.office.consents(statement(held.digest), "r1") for statement in (release_statement, delete_statement)
    )
    assert asked.ask(Release(held.digest, release)) == Agreed(("r1",), 2)
    (shown, untouched) = asked.ask(AskQuarantine()).held
    assert (shown.digest, shown.releasing, shown.deleting) == (held.digest, ("r1",), ())
    assert (untouched.digest, untouched.releasing) == (other.digest, ())
    assert asked.ask(Delete(held.digest, delete)) == Agreed(("r1",), 2)
    second = asked.office.consents(release_statement(held.digest), "r2")
    assert isinstance(asked.ask(Release(held.digest, second)), Verdicts)
    assert [one.digest for one in asked.ask(AskQuarantine()).held] == [other.digest]


def test_too_few_says_who_and_how_many(asked):
    with pytest.raises(TooFew) as few:
        asked.office.guard.prepare_plan(WINTER, asked.office.consents(prepare_statement(WINTER, 0), "p2", "p1"))
    assert (few.value.persons, few.value.needed) == (("p1", "p2"), 3)


def needs(number):
    def decide(given):
        if len(given) < number:
            raise TooFew(tuple(given), number)
        return given

    return decide


def test_consents_add_up_each_once_and_are_gone_once_they_were_enough():
    consents = Consents()
    for given in (["a"], ["a"]):
        with pytest.raises(TooFew):
            consents.decide(b"s", "about", given, needs(2))
    assert consents.persons(b"s") == ("a",)
    assert [(one.about, one.given, one.needed) for one in consents.open()] == [("about", ("a",), 2)]
    assert consents.decide(b"s", "about", ["b"], needs(2)) == ("a", "b")
    assert consents.open() == []
    assert consents.persons(b"s") == ()


def test_what_is_wrong_is_not_kept_and_takes_nothing_away():
    consents = Consents()
    with pytest.raises(TooFew):
        consents.decide(b"s", "about", ["a"], needs(2))

    def refuse(_given):
        raise SecurityError("wrong")

    with pytest.raises(SecurityError, match="wrong"):
        consents.decide(b"s", "about", ["x"], refuse)
    with pytest.raises(TooFew):
        consents.decide(b"t", "about", [], needs(2))
    assert [one.given for one in consents.open()] == [("a",)]


def test_the_oldest_makes_room():
    assert OPEN_MAX == 64
    consents = Consents()
    for number in range(OPEN_MAX + 1):
        with pytest.raises(TooFew):
            consents.decide(number.to_bytes(2, "big"), number, ["a"], needs(2))
    assert [one.about for one in consents.open()] == list(range(1, OPEN_MAX + 1))
