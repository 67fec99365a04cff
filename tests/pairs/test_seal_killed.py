"""Power cuts and kills at fifty points, and at a thousand in the long run: no command is carried out twice, no counter
or transaction comes twice, no approval is lost.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import seal_keys as keys
from openami.backoffice.guard.guard import Envelope
from openami.io.keystore.counter_file import CounterFile
from openami.model.errors import SecurityError
from openami.protocols.dlms.access_result import DataAccessResult
from openami.protocols.seal.signed import read_signed
from openami.simulation.disk import FaultDisk, PowerCut
from sealed_bench import START, make_sealed, submit
from two_seals import Office, intent

ENVELOPES = [keys.envelope(number, transaction=number, emergency=True) for number in range(1, 13)]
POINTS = range(1, 51)


def counters(disk):
    return CounterFile(Path("/meter/counters"), disk=disk)


def carry(disk, accepted):
    """The meter takes its commands one after the other, each a day after the last, until the power fails."""
    meter = make_sealed(counters(disk))
    for number, envelope in enumerate(ENVELOPES):
        if submit(meter, envelope, START) is DataAccessResult.SUCCESS:
            accepted[number] += 1
            meter.commands._limits._planned.clear()
            meter.meter.advance(START + 1)


@pytest.mark.parametrize("point", POINTS)
def test_a_meter_that_dies_accepts_no_command_twice(point):
    kill_the_meter(point, point)


@pytest.mark.long
@pytest.mark.parametrize("hundred", range(10))
def test_a_meter_that_dies_at_a_thousand_points_accepts_no_command_twice(hundred):
    for seed in range(100 * hundred, 100 * hundred + 100):
        kill_the_meter(1 + seed % DEATHS, seed)


def kill_the_meter(point, seed):
    accepted = Counter()
    disk = FaultDisk(point, seed=seed)
    died = True
    try:
        carry(disk, accepted)
        died = False
    except PowerCut:
        pass
    assert died is (point <= DEATHS)
    carry(disk.after_power_cut() if died else disk.after_kill(), accepted)
    assert set(accepted.values()) <= {1}


def steps():
    disk = FaultDisk()
    carry(disk, Counter())
    return disk.steps


DEATHS = steps()


def approve_and_seal(office, kept, sealed):
    """Approvals and seals until the power fails; `kept` are approvals that were confirmed, `sealed` what left."""
    for number in range(100, 1000, 100):
        commands = office.authority.draft(office.role, [intent(number)])
        request = office.authority.request(commands, office.passkeys["anna"].consent(commands.request_challenge()))
        office.authority.approve(request, office.passkeys["bela"].consent(commands.approval_challenge()))
        kept.append(request)
        send(office, request, sealed)


def send(office, request, sealed):
    approved = office.authority.sign(request)
    for verdict in office.guard.submit(approved.record, approved.signed):
        assert isinstance(verdict, Envelope)
        sealed.append((request, approved.signed[0], verdict.octets))


@pytest.mark.parametrize("point", POINTS)
def test_a_back_office_that_dies_loses_no_approval_and_repeats_no_number(point):
    kill_the_back_office(point, point)


@pytest.mark.long
@pytest.mark.parametrize("hundred", range(10))
def test_a_back_office_that_dies_at_a_thousand_points_loses_no_approval_and_repeats_no_number(hundred):
    for seed in range(100 * hundred, 100 * hundred + 100):
        kill_the_back_office(1 + seed % OFFICE_STEPS, seed)


def kill_the_back_office(point, seed):
    kept, sealed = [], []
    disk = FaultDisk(seed=seed)
    office = Office(disk)
    disk.dies_at = disk.steps + point
    died = False
    try:
        approve_and_seal(office, kept, sealed)
    except PowerCut:
        died = True
    assert died is (point <= OFFICE_STEPS)
    office.disk = disk.after_power_cut() if died else disk.after_kill()
    office.start()
    for request in kept:
        send(office, request, sealed)
    commands = {}
    for request, signed, _ in sealed:
        assert commands.setdefault(request, signed) == signed
    used = [read_signed(signed, keys.TRUSTED).counter for signed in commands.values()]
    assert len(set(used)) == len(used)
    transactions = [octets[2:10] for _, _, octets in sealed]
    assert len(set(transactions)) == len(transactions)


def office_steps():
    disk = FaultDisk()
    office, before = Office(disk), disk.steps
    approve_and_seal(office, [], [])
    return disk.steps - before


OFFICE_STEPS = office_steps()


def test_the_points_are_where_it_hurts():
    assert OFFICE_STEPS > 60
    with pytest.raises(SecurityError):
        Office(FaultDisk()).authority.sign(b"never approved")
