"""Keys of a fleet are rolled over and the power fails at every step: old or new opens each meter, never neither."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from meter_bench import seeded
from openami.backoffice.operations.key_roll_over import OrderNeeded, RolledOver, RollOver
from openami.io.keystore.meter_keys import MeterKeys
from openami.io.keystore.wrapped_keystore import SoftwareWrapping, WrappedKeystore
from openami.model.errors import LinkLost, SettingError
from openami.protocols.dlms.data import decode_data
from openami.protocols.dlms.key_agreement import unwrap_key
from openami.protocols.seal.verbs import CriticalVerb, request_of, verb_of
from openami.simulation.disk import FaultDisk, PowerCut

TITLES = [b"OAM\x10" + number.to_bytes(4, "big") for number in range(4)]


class Meters:
    """Meters as ours are: they keep new keys before they answer, and take the former ones until the new were used."""

    def __init__(self, keys):
        self.keys = {title: [one] for title, one in keys.items()}
        self.dead = {}
        self.lost_answers = 0

    async def opens(self, title, keys):
        if title in self.dead:
            raise LinkLost("no answer")
        if keys not in self.keys[title]:
            return False
        if keys == self.keys[title][-1]:
            self.keys[title] = [keys]
        return True

    async def transfer(self, title, keys, new):
        assert keys in self.keys[title]
        self.keys[title] = [self.keys[title][0], new]
        if self.lost_answers:
            self.lost_answers -= 1
            raise LinkLost("the answer was lost")


def stores(disk):
    wrapping = SoftwareWrapping(bytes(32), random=seeded(1))
    return tuple(WrappedKeystore(Path("/keys") / name, wrapping, disk=disk) for name in ("current", "pending"))


def fleet():
    disk, random = FaultDisk(), seeded(2)
    keys = {title: MeterKeys(random(16), random(16), master_key=random(16)) for title in TITLES}
    stores(disk)[0].put_many(keys)
    return disk, keys


def test_all_meters_have_new_keys():
    disk, keys = fleet()
    meters = Meters(keys)
    rolling = RollOver(*stores(disk), meters, seeded(3))
    rolling.begin(TITLES)
    assert set(asyncio.run(rolling.go_on()).values()) == {RolledOver.DONE}
    current, pending = stores(disk)
    for title in TITLES:
        assert meters.keys[title] == [current.meter_keys(title)] != [keys[title]]
    assert pending.system_titles() == []


def test_power_fails_at_every_step():
    steps = 1
    while True:
        disk, keys = fleet()
        meters = Meters(keys)
        begun = disk.steps
        disk.dies_at = begun + steps
        try:
            rolling = RollOver(*stores(disk), meters, seeded(3))
            rolling.begin(TITLES)
            asyncio.run(rolling.go_on())
        except PowerCut:
            pass
        else:
            break
        for after in (disk.after_kill(), disk.after_power_cut()):
            current, pending = stores(after)
            for title in TITLES:
                mine = [current.meter_keys(title)]
                mine += [pending.meter_keys(title)] if title in pending.system_titles() else []
                assert any(one in meters.keys[title] for one in mine), f"neither key after step {steps}"
        after = disk.after_power_cut()
        again = RollOver(*stores(after), meters, seeded(4))
        again.begin(TITLES)
        assert set(asyncio.run(again.go_on()).values()) <= {RolledOver.DONE}
        steps += 1
    assert steps > 10


def test_a_lost_answer_and_a_dead_meter_stay_pending():
    disk, keys = fleet()
    meters = Meters(keys)
    meters.lost_answers, meters.dead = 1, {TITLES[3]: None}
    rolling = RollOver(*stores(disk), meters, seeded(3))
    rolling.begin(TITLES)
    first = asyncio.run(rolling.go_on())
    assert [first[title] for title in TITLES] == [RolledOver.LATER, RolledOver.DONE, RolledOver.DONE, RolledOver.LATER]
    meters.dead = {}
    assert set(asyncio.run(rolling.go_on()).values()) == {RolledOver.DONE}


def test_a_meter_that_nobody_opens_is_told():
    disk, keys = fleet()
    meters = Meters(keys)
    meters.keys[TITLES[0]] = [MeterKeys(bytes(16), bytes(16))]
    rolling = RollOver(*stores(disk), meters, seeded(3))
    rolling.begin(TITLES[:1])
    assert asyncio.run(rolling.go_on()) == {TITLES[0]: RolledOver.NEITHER}
    assert stores(disk)[1].system_titles() == TITLES[:1]


def test_new_keys_are_made_once():
    disk, keys = fleet()
    rolling = RollOver(*stores(disk), Meters(keys), seeded(3))
    rolling.begin(TITLES)
    before = [stores(disk)[1].meter_keys(title) for title in TITLES]
    rolling.begin(TITLES)
    assert [stores(disk)[1].meter_keys(title) for title in TITLES] == before
    with pytest.raises(KeyError):
        asyncio.run(Meters(keys).opens(b"unknown.", before[0]))


def test_an_order_carries_the_pending_keys_wrapped_under_the_master_key():
    disk, keys = fleet()
    rolling = RollOver(*stores(disk), Meters(keys), seeded(3))
    rolling.begin(TITLES[:1])
    request = request_of(rolling.order(TITLES[0]))
    assert verb_of(request) is CriticalVerb.KEY_CHANGE
    new, master = stores(disk)[1].meter_keys(TITLES[0]), keys[TITLES[0]].master_key
    wrapped = [item.value[1].value for item in decode_data(request.method_invocation_parameters).value]
    opened = [unwrap_key(master, one) for one in wrapped]
    assert opened == [new.global_unicast_encryption_key, new.authentication_key]


def test_a_meter_that_wants_two_seals_waits_for_an_order():
    disk, keys = fleet()
    meters = Meters(keys)

    async def transfer(*_):
        raise OrderNeeded("two seals")

    carried_out, meters.transfer = meters.transfer, transfer
    rolling = RollOver(*stores(disk), meters, seeded(3))
    rolling.begin(TITLES[:1])
    assert asyncio.run(rolling.go_on()) == {TITLES[0]: RolledOver.ORDER}
    asyncio.run(carried_out(TITLES[0], keys[TITLES[0]], stores(disk)[1].meter_keys(TITLES[0])))
    assert asyncio.run(rolling.go_on()) == {TITLES[0]: RolledOver.DONE}


def test_without_a_master_key_nothing_is_begun():
    disk, keys = fleet()
    stores(disk)[0].put(TITLES[0], MeterKeys(bytes(16), bytes(range(16))))
    rolling = RollOver(*stores(disk), Meters(keys), seeded(3))
    with pytest.raises(SettingError, match="no master key"):
        rolling.begin(TITLES)
    assert rolling.pending() == []
