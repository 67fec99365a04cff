"""Faults on a schedule. Each kind begins at its time and heals by itself, or when the faults of a run are over.

`KINDS` names them; a fault's `target` and `amount` mean what its function says. What a fault showed (the share of
last gasps that came, who was reachable again) is told in `World.notes`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random

from openami.model.errors import SettingError
from openami.simulation.district import Fault
from openami.simulation.office import NAME as OFFICE
from openami.simulation.relay import HEAD
from openami.simulation.site import Site
from openami.simulation.streams import ByteStream
from openami.simulation.world import World

Heal = Callable[[], None]
INTERFERENCE_RADIUS_M = 120
YEAR_S = 365 * 86_400
GASP_WAIT_S = 60.0
REPAIR_S = 600.0


def schedule(world: World) -> None:
    """Let all faults of the district happen at their times."""
    for number, fault in enumerate(world.district.faults):
        if fault.kind not in KINDS:
            raise SettingError(f"fault kind {fault.kind!r} is none of {', '.join(KINDS)}")
        world.loop.call_at(world.loop.time() + fault.at_s, _begin, world, fault, number)


def _begin(world: World, fault: Fault, number: int) -> None:
    world.trace.note(world.loop.time(), "fault", fault.kind, number)
    heal = KINDS[fault.kind](world, fault, world.streams.random(f"fault/{number}"), number)
    if heal is not None:
        world.loop.call_later(fault.for_s, _heal, world, fault, number, heal)


def _heal(world: World, fault: Fault, number: int, heal: Heal) -> None:
    world.trace.note(world.loop.time(), "healed", fault.kind, number)
    heal()


def feeder_power_cut(world: World, fault: Fault, chance: Random, _number: int) -> Heal:
    """All houses of a transformer (`target`, or one by chance) lose their supply, relays among them."""
    transformers = sorted({house.transformer for house in world.district.houses})
    transformer = fault.target or chance.choice(transformers)
    houses = enumerate(world.district.houses)
    members = [number + world.roots for number, house in houses if house.transformer == transformer]
    _switch_off(world, members)
    return partial(_each, world.power_on, members)


def relays_die(world: World, fault: Fault, chance: Random, _number: int) -> Heal:
    """`amount` percent of all meters lose their supply without a last gasp; what is reachable later is noted."""
    count = round(len(world.meters) * fault.amount / 100)
    dead = sorted(chance.sample(range(world.roots, len(world.names)), count))
    for number in dead:
        world.outages[number - world.roots].append((world.clock.time(), world.clock.time()))
        world.meter(number).power_fail(world.clock.time())
        world.stations[number].stop()
    world.loop.call_later(REPAIR_S, _note_reachable, world, len(world.meters) - count)
    return partial(_each, world.power_on, dead)


def meter_reboot(world: World, fault: Fault, chance: Random, _number: int) -> None:
    """The communication parts of `amount` meters start anew; what they did not keep is lost."""
    for number in sorted(chance.sample(range(world.roots, len(world.names)), min(fault.amount, len(world.meters)))):
        world.reboot(number)


def collector_reboot(world: World, fault: Fault, chance: Random, _number: int) -> Heal:
    """A collector dies and comes back after `for_s` with what its disk kept."""
    root = _root(world, fault, chance)
    world.collector_off(root)
    return partial(world.power_on, root)


def torn_spool(world: World, fault: Fault, chance: Random, _number: int) -> Heal:
    """A collector dies in the middle of writing a record: half of it is on the disk."""
    root = _root(world, fault, chance)
    world.collector_off(root, ByteStream(f"torn/{fault.at_s}").take(40))
    return partial(world.power_on, root)


def full_disk(world: World, fault: Fault, chance: Random, _number: int) -> Heal:
    """A collector's disk takes nothing more for `for_s`."""
    site = world.installation.sites[_root(world, fault, chance)]
    site.disk.room = 0
    return partial(_set_room, site)


def head_end_restart(world: World, _fault: Fault, _chance: Random, _number: int) -> None:
    """The head-end loses its supply and comes back with what its disk kept; circuits end without a word."""
    world.installation.relay.restart()


def office_restart(world: World, _fault: Fault, _chance: Random, _number: int) -> None:
    """The back office is killed after it has stored what the spool gave and before it could release it."""
    world.installation.office.dies_before_release = True


def wan_outage(world: World, fault: Fault, chance: Random, _number: int) -> Heal:
    """Nothing passes between a collector and the head-end for `for_s`."""
    return _parted(world, world.installation.sites[_root(world, fault, chance)].name)


def office_outage(world: World, _fault: Fault, _chance: Random, _number: int) -> Heal:
    """Nothing passes between the head-end and the back office for `for_s`."""
    return _parted(world, OFFICE)


def interference(world: World, fault: Fault, chance: Random, _number: int) -> Heal:
    """`amount` dB more noise around a house (`target`, or one by chance)."""
    district = world.district
    houses = {house.name: house for house in district.houses}
    middle = houses[fault.target] if fault.target in houses else chance.choice(district.houses)
    near = [
        number
        for number, one in enumerate(district.stations)
        if (one.x_m - middle.x_m) ** 2 + (one.y_m - middle.y_m) ** 2 <= INTERFERENCE_RADIUS_M**2
    ]
    _add_noise(world, near, fault.amount)
    return partial(_add_noise, world, near, -fault.amount)


def clock_back(world: World, fault: Fault, chance: Random, _number: int) -> None:
    """The clocks of `amount` meters are set back a year."""
    now = world.clock.time()
    for number in sorted(chance.sample(range(len(world.meters)), min(fault.amount, len(world.meters)))):
        world.meters[number].set_clock(now - YEAR_S, now)
        world.set_back.add(number)


def replayed_frames(world: World, fault: Fault, _chance: Random, number: int) -> None:
    """Somebody beside `target` sends the last `amount` frames that he heard once more."""
    recorder = world.strangers.recorder(number)
    recorder.repeat(list(recorder.heard_frames)[-fault.amount :], 0.2)


def replayed_join(world: World, fault: Fault, _chance: Random, number: int) -> None:
    """Somebody beside `target` sends the last `amount` messages by which others joined once more."""
    recorder = world.strangers.recorder(number)
    recorder.repeat(list(recorder.joins)[-fault.amount :], 0.5)


def flood(world: World, fault: Fault, _chance: Random, number: int) -> None:
    """Somebody beside `target` sends `amount` frames of nonsense, five a second."""
    world.strangers.flood(number).begin(fault.amount, 0.2)


def rogue_meter(world: World, _fault: Fault, _chance: Random, number: int) -> Heal:
    """A stranger with a key of his own wants to join, beside `target`."""
    stranger = world.strangers.station(number)
    stranger.start()
    return stranger.stop


def forged_relay(world: World, _fault: Fault, _chance: Random, number: int) -> Heal:
    """A stranger offers itself as a root to those around `target`."""
    stranger = world.strangers.station(number)
    stranger.start()
    return stranger.stop


def lying_rank(world: World, _fault: Fault, _chance: Random, number: int) -> Heal:
    """A member beside `target` says that it is next to the root, and swallows what it should hand on."""
    insider = world.strangers.station(number)
    insider.start()
    return insider.stop


KINDS: dict[str, Callable[[World, Fault, Random, int], Heal | None]] = {
    "feeder-power-cut": feeder_power_cut,
    "relays-die": relays_die,
    "meter-reboot": meter_reboot,
    "collector-reboot": collector_reboot,
    "torn-spool": torn_spool,
    "full-disk": full_disk,
    "head-end-restart": head_end_restart,
    "office-restart": office_restart,
    "wan-outage": wan_outage,
    "office-outage": office_outage,
    "interference": interference,
    "clock-back": clock_back,
    "replayed-frames": replayed_frames,
    "replayed-join": replayed_join,
    "flood": flood,
    "rogue-meter": rogue_meter,
    "forged-relay": forged_relay,
    "lying-rank": lying_rank,
}


def _root(world: World, fault: Fault, chance: Random) -> int:
    names = world.names[: world.roots]
    return names.index(fault.target) if fault.target in names else chance.randrange(world.roots)


def _parted(world: World, host: str) -> Heal:
    network = world.installation.network
    network.part(host, HEAD)
    return partial(network.join, host, HEAD)


def _set_room(site: Site) -> None:
    """Whatever disk the machine has by now."""
    site.disk.room = None


def _each(action: Callable[[int], None], numbers: list[int]) -> None:
    for number in numbers:
        action(number)


def _add_noise(world: World, numbers: list[int], amount_db: int) -> None:
    for number in numbers:
        world.interference_db[number] += amount_db
    world.set_noise()


def _switch_off(world: World, members: list[int]) -> None:
    powered = [number for number in members if world.meter(number).powered]
    since = world.clock.time()
    _each(world.power_off, powered)
    world.loop.call_later(GASP_WAIT_S, _note_gasps, world, powered, since)


def _note_gasps(world: World, members: list[int], since: float) -> None:
    came = sum(world.deliveries.last(world.meter(number).config.system_title) >= since for number in members)
    world.note("last gasps delivered", came, len(members))


def _note_reachable(world: World, alive: int) -> None:
    world.note(f"reachable {REPAIR_S:.0f} s after relays died", len(world.reachable()), alive)
