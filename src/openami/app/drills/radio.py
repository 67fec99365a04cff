"""Whoever has a radio: hears telegrams of wireless meters, repeats, changes and invents them, and has no key."""

from __future__ import annotations

from contextlib import suppress

from openami.app.drills.drill import Removal, drill, stands
from openami.app.drills.world import START, octets_of
from openami.field.meter.daily_flow import DailyFlow
from openami.field.meter.pipe_meter import PipeMeter, PipeMeterConfig
from openami.field.meter.wireless_meter import WirelessMeter, WirelessSettings
from openami.field.meter.wireless_settings import apply_settings
from openami.model.errors import DecodeError
from openami.model.quality import GuaranteeClass
from openami.protocols.mbus.wireless import receiver, security
from openami.protocols.mbus.wireless.address import MeterAddress, manufacturer_code
from openami.protocols.mbus.wireless.frame_format import FrameFormat, encode_frame
from openami.protocols.mbus.wireless.keys import KeyStore
from openami.protocols.mbus.wireless.link import LinkHeader, encode_link
from openami.protocols.mbus.wireless.opening import Opened, Parties, Protection
from openami.protocols.mbus.wireless.receiver import Receiver, Telegram
from openami.protocols.mbus.wireless.replay import Arrival, ReplayGuard
from openami.protocols.mbus.wireless.sealing import mode_5_telegram, mode_7_telegram, plain_telegram

RADIO = "NAN radio"
SEND = 0x44
METER = MeterAddress(manufacturer_code("OAM"), "12345678", 1, 0x07)
KEY = octets_of("water meter", 16)
RECORDS = bytes.fromhex("0413e803000004931300000000")
_TRUSTED = GuaranteeClass.SHARED_KEYS


def _receiver() -> Receiver:
    keys = KeyStore()
    keys.add(METER, KEY)
    return Receiver(keys, replay=ReplayGuard())


def _heard(at: Receiver, raw: bytes) -> Telegram | None:
    try:
        return at.receive(raw)
    except DecodeError:
        return None


def _billable(telegram: Telegram | None) -> bool:
    """Whether a bill may rest on it: opened, verified, and new."""
    opened = telegram.opened if telegram else None
    return opened is not None and opened.guarantee is _TRUSTED and opened.protection is not Protection.CLOSED


def _new(telegram: Telegram | None) -> bool:
    return telegram is not None and _billable(telegram) and telegram.arrival is Arrival.NEW


def _genuine(counter: int) -> bytes:
    return mode_7_telegram(SEND, METER, counter, RECORDS, KEY, counter)


def _every_time(*_arguments: object) -> Arrival:
    return Arrival.NEW


def _unseen(_fragment: object, _message: bytes, who: Parties) -> bytes:
    return who.keys[0]


def _whatever_it_is(_transport: object, payload: bytes, *_arguments: object, **_named: object) -> Opened:
    """Without a class that tells how a value was protected."""
    return Opened(Protection.NONE, payload, guarantee=_TRUSTED, counter=1)


@drill("A014", RADIO, Removal(security, "encryption_key", lambda key, *_, **__: key))
def idle_and_busy_households_are_told_apart() -> None:
    """The same records, a thousand times: no block of ciphertext comes twice, and the length never changes."""
    blocks, lengths = list[bytes](), set[int]()
    for counter in range(1, 1001):
        raw = _genuine(counter)
        lengths.add(len(raw))
        blocks += [raw[-32:-16], raw[-16:]]
    stands(len(set(blocks)) == len(blocks), "equal consumption gives equal telegrams")
    stands(len(lengths) == 1, "the length tells something")


@drill("A015", RADIO, Removal(ReplayGuard, "admit", _every_time))
def one_telegram_is_sent_again() -> None:
    here, raw = _receiver(), _genuine(5)
    stands(_new(_heard(here, raw)), "the genuine telegram was not taken")
    stands(not _new(_heard(here, raw)), "a replayed telegram counts as new")


@drill("A016", RADIO, Removal(ReplayGuard, "admit", _every_time))
def one_telegram_is_sent_a_thousand_times() -> None:
    here, raw = _receiver(), _genuine(5)
    taken = sum(_new(_heard(here, raw)) for _ in range(1000))
    stands(taken == 1, f"one telegram was taken {taken} times")


@drill("A017", RADIO, Removal(receiver, "_mac_key", _unseen))
def records_in_the_clear_are_appended() -> None:
    raw = _genuine(5) + bytes.fromhex("0413ffffff00")
    longer = bytes((raw[0] + 6,)) + raw[1:]
    stands(not _billable(_heard(_receiver(), longer)), "a telegram with records appended was verified")


@drill("A018", RADIO, Removal(ReplayGuard, "admit", _every_time))
def two_old_telegrams_in_turn() -> None:
    here, old = _receiver(), [_genuine(5), _genuine(6)]
    for raw in (*old, _genuine(7)):
        _heard(here, raw)
    again = [_heard(here, raw) for raw in old * 20]
    stands(not any(map(_new, again)), "old telegrams in turn count as new")


@drill("A019", RADIO, Removal(receiver, "open_content", _whatever_it_is))
def a_telegram_without_protection_for_a_meter_with_a_key() -> None:
    heard = _heard(_receiver(), plain_telegram(SEND, METER, 1, RECORDS))
    stands(not _billable(heard), "a telegram that anybody could have sent counts like a sealed one")


@drill("A020", RADIO, Removal(receiver, "open_content", _whatever_it_is))
def bits_of_mode_5_are_flipped() -> None:
    raw = mode_5_telegram(SEND, METER, 1, RECORDS, KEY)
    for bit in range(11 * 8, len(raw) * 8):
        flipped = bytearray(raw)
        flipped[bit // 8] ^= 1 << bit % 8
        stands(not _billable(_heard(_receiver(), bytes(flipped))), "mode 5, which has no MAC, counts like a sealed one")


@drill("A024", RADIO, Removal(receiver, "_mac_key", _unseen))
def the_configuration_word_is_changed() -> None:
    raw = _genuine(5)
    place = raw.index(bytes((0x7A,)), 11) + 3
    for word in range(0, 65_536, 17):
        changed = raw[:place] + word.to_bytes(2, "little") + raw[place + 2 :]
        if changed != raw:
            stands(not _billable(_heard(_receiver(), changed)), f"configuration word {word:#06x} was believed")


def _whoever_asks(self: WirelessMeter, telegram: Telegram, now: float) -> None:
    """Without the question who has sealed a command."""
    with suppress(DecodeError):
        apply_settings(self._meter, telegram.content or b"", now)


def _on_the_air() -> WirelessMeter:
    return WirelessMeter(PipeMeter(PipeMeterConfig(), DailyFlow(int(START))), WirelessSettings(), START)


def _said(meter: WirelessMeter, at: float) -> list[bytes]:
    meter.handle_timeout(at)
    return meter.data_to_send()


@drill("A023", RADIO, Removal(WirelessMeter, "_obey", _whoever_asks))
def every_command_is_sent_over_the_radio() -> None:
    """Each control field with each CI field, with records that set the clock or close a valve: nothing comes of it."""
    attacked, left_alone = _on_the_air(), _on_the_air()
    address = PipeMeter(PipeMeterConfig(), DailyFlow(int(START))).address
    commands = bytes.fromhex("046d003b1f35"), bytes.fromhex("01fd1f00"), bytes.fromhex("c301c10046000060030aff01010f00")
    now, taken = float(START), 0
    for control in (0x40, 0x43, 0x53, 0x73, 0x5B, 0x7B, 0x44, 0x46, 0x48):
        now = attacked.next_timeout()
        stands(_said(attacked, now) == _said(left_alone, now), "a frame over the radio has changed what the meter says")
        for ci in range(256):
            for command in commands:
                head = encode_link(LinkHeader(control, METER), bytes((ci,)) + address.transport_order + bytes(4))
                frame = bytes((len(head) - 1 + len(command),)) + head[1:] + command
                taken += attacked.receive(encode_frame(frame, FrameFormat.A), now)
        attacked.data_to_send()
    stands(taken, "no frame reached the meter: the drill proves nothing")
    now = attacked.next_timeout()
    stands(_said(attacked, now) == _said(left_alone, now), "a frame over the radio has changed what the meter says")
