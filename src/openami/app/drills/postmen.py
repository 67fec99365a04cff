"""Head-end, collector and the lines between: they carry envelopes, and may do anything else with them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from openami.app.drills.drill import Removal, drill, ignored, stands
from openami.app.drills.world import (
    AUTHORITY,
    DAY_S,
    DISCONNECT,
    GUARD,
    GUARD_SEAL,
    RECONNECT,
    SIGNER,
    START,
    THIEF,
    THIEF_AGREEMENT,
    Meter,
    Office,
    intent,
    sealed,
    title_of,
)
from openami.field.meter import codes, sealed_commands, sealed_meter
from openami.io.keystore.counter_file import CounterFile
from openami.io.spool.chain import RecordChain
from openami.protocols.dlms import security
from openami.protocols.dlms.cosem.disconnect_control import ControlState
from openami.protocols.dlms.data import encode_data, integer, octet_string
from openami.protocols.dlms.date_time import CosemDateTime
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor, CosemMethodDescriptor
from openami.protocols.seal import opening, signed
from openami.protocols.seal.closing import GuardSeal, seal_command, sign_command
from openami.protocols.seal.command import Command
from openami.protocols.seal.gate import CommandGate
from openami.simulation.disk import FaultDisk

HEAD_END = "HES DMZ host"
COLLECTOR = "collector"
WAN = "WAN man in the middle"
SWITCH_OFF = CosemMethodDescriptor(70, codes.DISCONNECT_CONTROL, 1)
HOUR_S = 3600


def _command(now: float = START) -> Command:
    return Command(title_of(0), DISCONNECT, int(now), 900, bytes(32))


def _cut(meter: Meter, envelope: bytes, now: float) -> bool:
    """Whether the household is without supply some time after the envelope was delivered."""
    meter.deliver(envelope, now)
    meter.device.advance(now + HOUR_S)
    return not meter.connected


@drill("A038", COLLECTOR, Removal(sealed_meter, "verb_of_action", ignored))
def a_collector_disconnects_all_its_meters() -> None:
    for number in range(20):
        meter = Meter(number)
        done = meter.action(SWITCH_OFF, encode_data(integer(0)), START)
        stands(not done and meter.connected, f"meter {number} was switched off by an ACTION without seals")


@drill("A044", COLLECTOR, Removal(sealed_meter, "verb_of_set", ignored))
def a_collector_sets_the_clock() -> None:
    meter = Meter(0)
    stamp = encode_data(octet_string(bytes(CosemDateTime.from_utc(START + DAY_S))))
    meter.set(CosemAttributeDescriptor(8, codes.CLOCK, 2), stamp, START)
    stands(meter.device.clock.reading(START) < START + 10, "the meter's clock was set without seals")


@drill("A013", "NAN radio", Removal(RecordChain, "add", lambda _self, _records: 1))
def two_envelopes_under_one_key_stream() -> None:
    """The key of an envelope follows from its transaction: two alike would show the difference of their contents."""
    office, seen = Office(), set()
    for step in range(4):
        verdicts = sealed(office.submit(*[intent(100 * (step + 2 * n)) for n in range(4)]))
        seen |= {one.octets[2:10] for one in verdicts}
        office.restore(office.disk.after_kill())
    stands(len(seen) == 16, f"16 envelopes have {len(seen)} transactions")


@drill("A052", WAN, Removal(security, "verify_tag", ignored), Removal(signed, "verify_signature", ignored))
def any_bit_of_an_envelope_is_flipped() -> None:
    meter = Meter(0)
    envelope = Office().envelope(intent())
    for bit in range(len(envelope) * 8):
        flipped = bytearray(envelope)
        flipped[bit // 8] ^= 1 << bit % 8
        stands(not meter.deliver(bytes(flipped), START), f"an envelope with bit {bit} flipped was taken")
    stands(meter.deliver(envelope, START), "the genuine envelope was not taken after its forgeries")


@drill("A057", HEAD_END, Removal(signed, "verify_signature", ignored))
def a_thief_of_the_guards_key_signs_himself() -> None:
    meter = Meter(0)
    envelope = seal_command(sign_command(_command(), AUTHORITY, 1, THIEF), GUARD_SEAL, meter.recipient, 1)
    stands(not _cut(meter, envelope, START), "a command that the authority has not signed was carried out")


@drill("A057", HEAD_END, Removal(opening, "_outer", lambda raw, _seal: raw))
def a_thief_of_the_authoritys_key_does_without_the_guard() -> None:
    meter = Meter(0)
    layer = sign_command(_command(), AUTHORITY, 1, SIGNER)
    stands(not _cut(meter, layer, START), "a command that the guard has not sealed was carried out")
    stranger = GuardSeal(GUARD, THIEF_AGREEMENT)
    envelope = seal_command(layer, stranger, meter.recipient, 1)
    stands(not _cut(meter, envelope, START), "a command under another guard's key was carried out")


@drill("A058", HEAD_END, Removal(opening, "_check_counter", ignored))
def a_genuine_disconnect_is_delivered_again() -> None:
    office, meter = Office(), Meter(0)
    once = office.envelope(intent(time_to_live_s=DAY_S))
    stands(_cut(meter, once, START), "the genuine command was not carried out")
    office.now = START + HOUR_S
    meter.deliver(office.envelope(intent(apdu=RECONNECT)), office.now)
    meter.device.advance(office.now + HOUR_S)
    armed = meter.state
    stands(not meter.deliver(once, office.now + 2 * HOUR_S), "a replayed command was taken")
    meter.device.advance(office.now + 3 * HOUR_S)
    stands(meter.state is armed, "a replayed command was carried out")


@drill("A059", HEAD_END, Removal(opening, "_check_freshness", ignored))
def a_disconnect_is_delivered_a_day_late() -> None:
    meter = Meter(0, start=START)
    envelope = Office().envelope(intent())
    stands(not _cut(meter, envelope, START + DAY_S), "a command was carried out a day after it was meant")


@drill("A060", HEAD_END, Removal(opening, "_check_recipient", ignored))
def a_command_for_a_neighbour_is_delivered_here() -> None:
    office, here = Office(), Meter(1)
    approved = office.approved(intent(0))
    (envelope,) = sealed(office.guard.submit(approved.record, approved.signed))
    stands(not _cut(here, envelope.octets, START), "an envelope for a neighbour was opened")
    again = seal_command(approved.signed[0], GUARD_SEAL, here.recipient, 1)
    stands(not _cut(here, again, START), "a signature for a neighbour switched this meter, sealed by a stolen key")


@drill("A069", HEAD_END, Removal(sealed_commands, "apply", lambda _counters, event: event))
def a_power_cut_after_a_command_lets_it_come_again() -> None:
    disk = FaultDisk()
    path = Path("/meter/counters")
    envelope = Office().envelope(intent())
    meter = Meter(0, CounterFile(path, disk=disk))
    stands(meter.deliver(envelope, START), "the genuine command was not taken")
    again = Meter(0, CounterFile(path, disk=disk.after_power_cut()))
    stands(not again.deliver(envelope, START + 60), "after a power cut the same command was taken again")


@drill("A070", HEAD_END, Removal(CommandGate, "_last", lambda _self, _authority: 0))
def old_commands_after_a_newer_one() -> None:
    office, meter = Office(), Meter(0)
    old = [office.envelope(intent(time_to_live_s=DAY_S)) for _ in range(3)]
    newest = office.envelope(intent())
    stands(meter.deliver(newest, START), "the newest command was not taken")
    meter.device.advance(START + HOUR_S)
    for envelope in old:
        stands(not meter.deliver(envelope, START + 2 * HOUR_S), "a command older than the last one was taken")


@drill("A071", HEAD_END, Removal(opening, "_check_counter", ignored))
def a_replay_is_noticed_and_nothing_runs() -> None:
    meter = Meter(0)
    envelope = Office().envelope(intent(time_to_live_s=DAY_S))
    stands(_cut(meter, envelope, START), "the genuine command was not carried out")
    meter.device.disconnector.state = ControlState.CONNECTED
    stands(not _cut(meter, envelope, START + 2 * HOUR_S), "a replayed command was carried out")


@drill("A103", HEAD_END, Removal(opening, "_check_freshness", ignored))
def a_command_is_kept_until_the_clock_is_invalid() -> None:
    office, meter = Office(), Meter(0)
    kept = office.envelope(intent())
    meter.device.clock.invalid = True
    stands(not _cut(meter, kept, START + 30 * DAY_S), "with an invalid clock a stale command was carried out")
    old = meter.challenge(START + 30 * DAY_S)
    command = replace(_command(), challenge=old)
    layer = sign_command(command, AUTHORITY, 2**60, SIGNER)
    envelope = seal_command(layer, GUARD_SEAL, meter.recipient, 2**60)
    meter.challenge(START + 30 * DAY_S + 1)
    stands(not _cut(meter, envelope, START + 30 * DAY_S + 2), "a command for an earlier conversation was carried out")
