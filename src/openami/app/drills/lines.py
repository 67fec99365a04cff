"""Whoever sits on a line between client and meter, or is a meter himself: bytes to read, repeat, change and invent."""

from __future__ import annotations

import tracemalloc
from itertools import permutations

from openami.app import two_seals
from openami.app.drills.conversation import (
    FORGED,
    KEYS,
    METER,
    NOTE,
    OFF,
    ON,
    STRANGER,
    TRUE,
    Conversation,
    client,
    numbers_of,
)
from openami.app.drills.drill import Fallen, Removal, drill, ignored, stands
from openami.app.drills.world import key_of, title_of
from openami.app.two_seals import SealKeys
from openami.field.meter.push_queue import random_of
from openami.model.errors import DecodeError, OpenAmiError
from openami.protocols.dlms import (
    client_association,
    client_protection,
    counters,
    data_decoder,
    protected_tags,
    security,
    server_association,
    server_protection,
)
from openami.protocols.dlms.apdu import decode_apdu, encode_apdu
from openami.protocols.dlms.association import AssociationSettings
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.client_settings import ClientSettings
from openami.protocols.dlms.counters import MemoryCounters, ReceiveWindow
from openami.protocols.dlms.data import decode_data
from openami.protocols.dlms.events import Associated
from openami.protocols.dlms.exception import ExceptionResponse, ExceptionServiceError, StateError
from openami.protocols.dlms.get import GetResponseNormal
from openami.protocols.dlms.notification import DataNotification
from openami.protocols.dlms.push_receiver import PushKeys, open_push
from openami.protocols.dlms.secure_channel import SecureChannel
from openami.protocols.dlms.security import SecurityControl, protect
from openami.protocols.wire.cursor import Cursor

ROGUE = "rogue meter"
WAN = "WAN man in the middle"
LOCAL = "local port"
HEAD_END = "HES DMZ host"
RADIO = "NAN radio"
LAST = b"\x30\xff\xff\xff\xff" + bytes(30)
PUSH = encode_apdu(DataNotification(1, None, TRUE))


def _associated(**changes: object) -> Conversation:
    conversation = Conversation(client(**changes))
    stands(isinstance(conversation.associate(), Associated), "the genuine client is not let in")
    return conversation


def _believed(conversation: Conversation) -> None:
    conversation.read()
    stands(all(answer == TRUE for answer in conversation.answers()), "a value that the meter never said was believed")


def _glo(tag: int, content: bytes) -> bytes:
    return bytes((tag, len(content))) + content


_CHECK = ReceiveWindow.check


def _commits(self: ReceiveWindow, counter: int) -> None:
    """The counter is remembered before the tag was looked at."""
    _CHECK(self, counter)
    self.commit(counter)


def _believing(self: ClientSettings) -> None:
    """Whatever counter somebody names is followed."""
    object.__setattr__(self, "counter_jump_max", 1 << 40)


# Decoders


def _take_short(self: Cursor, count: int) -> bytes:
    """Without the check of what is left."""
    start, self.position = self.position, min(self.position + count, self.end)
    return self.data[start : self.position]


@drill("A001", ROGUE, Removal(Cursor, "take", _take_short))
def data_that_promises_more_than_there_is() -> None:
    for raw in ("0901", "090affff", "0a05aa", "0900ff", "06000000"):
        try:
            decode_data(bytes.fromhex(raw))
        except DecodeError:
            continue
        raise Fallen(f"{raw} was taken for a value")


@drill("A002", ROGUE, Removal(data_decoder, "_values", lambda _description: 0))
def a_few_bytes_claim_very_many_elements() -> None:
    tracemalloc.start()
    try:
        decode_data(bytes.fromhex("1301ffff000100"))
    except DecodeError:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    stands(peak < 1 << 20, f"seven bytes took {peak} bytes of memory")


@drill("A003", ROGUE, Removal(Cursor, "enter", ignored))
def structures_in_structures() -> None:
    try:
        decode_data(bytes.fromhex("0201") * 10_000 + b"\x00")
    except DecodeError:
        return
    except RecursionError:
        pass
    raise Fallen("ten thousand levels were followed")


# Replay, tags, plaintext


@drill("A008", ROGUE, Removal(ReceiveWindow, "check", ignored))
def a_push_is_resent() -> None:
    known, taken = PushKeys(KEYS, ReceiveWindow()), 0
    raw = _push(5)
    for _ in range(2):
        try:
            open_push(raw, {METER: known}.get, accept_plain=False)
        except OpenAmiError:
            continue
        taken += 1
    stands(taken == 1, f"one push was taken {taken} times")


def _push(counter: int, title: bytes = METER) -> bytes:
    content = protect(KEYS, title, counter, 0x30, PUSH)
    return b"\xdb\x08" + title + bytes((len(content),)) + content


@drill("A004", ROGUE, Removal(SecureChannel, "_check_title", ignored))
def another_title_stands_outside() -> None:
    conversation = _associated(use_general_glo=True)
    conversation.tamper = lambda sender, apdu: (
        [apdu[:9] + bytes((apdu[9] ^ 1,)) + apdu[10:]] if sender == "meter" else [apdu]
    )
    conversation.read()
    stands(not conversation.answers(), "an answer under another meter's title was believed")


@drill("A050", WAN, Removal(ReceiveWindow, "check", _commits))
def a_forged_frame_names_the_last_counter() -> None:
    conversation = _associated()
    conversation.arrive("meter", _glo(0xC8, LAST))
    conversation.tamper = lambda sender, apdu: [_glo(0xCC, LAST), apdu] if sender == "meter" else [apdu]
    stands(conversation.read() == TRUE, "after one forged frame the genuine ones are refused")


@drill(
    "A051",
    WAN,
    Removal(client_protection, "check_protected", lambda tag, **_named: tag in protected_tags.CIPHERED_TAGS),
)
def a_plain_answer_comes_first() -> None:
    conversation = _associated()
    plain = encode_apdu(GetResponseNormal(0xC1, FORGED))
    conversation.tamper = lambda sender, apdu: [plain, apdu] if sender == "meter" else [apdu]
    _believed(conversation)


@drill(
    "A051",
    WAN,
    Removal(server_protection, "check_protected", lambda tag, **_named: tag in protected_tags.CIPHERED_TAGS),
)
def a_plain_request_is_slipped_in() -> None:
    conversation = _associated()
    head = bytes.fromhex("c10140") + bytes((0, NOTE.class_id)) + bytes(NOTE.instance_id)
    conversation.arrive("meter", head + b"\x02\x00" + ON)
    stands(NOTE not in conversation.device.values, "a SET without protection changed the meter")


@drill("A053", WAN, Removal(security, "check_control", ignored))
def the_control_byte_is_lowered_and_the_tag_cut_off() -> None:
    conversation = _associated()

    def lowered(apdu: bytes) -> bytes:
        content = bytearray(decode_apdu(apdu).content[:-12])  # type: ignore[union-attr]
        content[0], content[-1] = 0x20, content[-1] ^ 1
        return _glo(apdu[0], bytes(content))

    conversation.tamper = lambda sender, apdu: [lowered(apdu), apdu] if sender == "meter" else [apdu]
    _believed(conversation)


@drill("A054", WAN, Removal(security, "verify_tag", ignored))
def the_tag_is_cut_short() -> None:
    for left in range(12):
        conversation = _associated()
        conversation.tamper = lambda sender, apdu, left=left: (  # type: ignore[misc]
            [_cut(apdu, left)] if sender == "meter" else [apdu]
        )
        conversation.read()
        stands(not conversation.answers(), f"an answer with {left} bytes of its tag was believed")


def _cut(apdu: bytes, left: int) -> bytes:
    """The tag shortened and the gap filled with the last ciphered bytes, so that twelve bytes stand at the end."""
    content = decode_apdu(apdu).content  # type: ignore[union-attr]
    return _glo(apdu[0], content[:-12] + content[-12 : len(content) - 12 + left] + bytes(12 - left))


# Who has not proven himself


@drill("A032", LOCAL, Removal(client_association, "check_challenge", lambda challenge, _ours: challenge))
def our_own_challenge_is_reflected() -> None:
    conversation = Conversation()

    def reflect(sender: str, apdu: bytes) -> list[bytes]:
        if sender == "client" or apdu[0] != 0x61:
            return [apdu]
        theirs = decode_apdu(apdu).responding_authentication_value  # type: ignore[union-attr]
        ours = decode_apdu(conversation.sent["client"][0]).calling_authentication_value  # type: ignore[union-attr]
        return [apdu.replace(bytes(theirs or b"-"), bytes(ours or b"-"))]

    conversation.tamper = reflect
    conversation.associate()
    stands(len(conversation.sent["client"]) == 1, "our own challenge was answered for whoever sent it back")


@drill("A027", LOCAL, Removal(server_association, "verify", lambda *_: 0))
def a_client_without_keys_wants_to_come_in() -> None:
    unsealed = AssociationSettings(Authentication.HLS5, keys=KEYS)
    conversation = Conversation(client(protection=SecurityControl.NONE, keys=STRANGER), unsealed)
    conversation.associate()
    stands(not conversation.meter.associations, "a client without the keys has associated")


@drill("A011", ROGUE, Removal(two_seals, "make_key", lambda _random: key_of("fleet")))
def the_key_of_one_meter_opens_another() -> None:
    """Each meter gets a key of its own when it is made: no key opens what was sealed for a neighbour."""
    one = random_of(b"fleet")
    keys = SealKeys(lambda size: b"".join(one(1) for _ in range(size)))
    meters = [keys.meter(title_of(number)) for number in range(6)]
    for mine, other in permutations(meters, 2):
        opened = mine.agreement.shared_secret(keys.agreement.public_key)
        sealed_with = keys.agreement.shared_secret(keys.recipient(other.system_title).agreement)
        stands(opened != sealed_with, "with the key of one meter everybody's envelopes are opened")


@drill("A025", RADIO, Removal(security, "verify_tag", ignored))
def tags_are_guessed() -> None:
    known, words = PushKeys(KEYS, ReceiveWindow()), set()
    genuine = _push(1)
    for number in range(1000):
        try:
            open_push(genuine[:-12] + number.to_bytes(12, "big"), {METER: known}.get, accept_plain=False)
        except OpenAmiError as error:
            words.add(str(error))
            continue
        raise Fallen("a guessed tag was taken")
    stands(len(words) == 1, "refusals differ: they tell the guesser something")


# Counters


@drill("A033", LOCAL, Removal(counters, "apply", lambda _store, event: event))
def the_meter_is_switched_off_and_on() -> None:
    store, own, used = MemoryCounters(), MemoryCounters(), list[int]()
    for turn in range(20):
        conversation = Conversation(seed=bytes((turn,)), meter_store=store, store=own)
        conversation.associate()
        conversation.read()
        used += numbers_of(conversation.sent["meter"])
    stands(len(used) >= 20, "the meter has said too little to be judged")
    stands(len(set(used)) == len(used), "after a power cut the meter has used a counter again")


@drill("A009", ROGUE, Removal(security, "verify_tag", ignored))
def a_jump_to_the_end_of_the_counter() -> None:
    """A genuine one is taken once; a forged one changes nothing."""
    known = PushKeys(KEYS, ReceiveWindow())
    forged = _push(0xFFFFFFF0)
    try:
        open_push(forged[:-1] + bytes((forged[-1] ^ 1,)), {METER: known}.get, accept_plain=False)
    except OpenAmiError:
        pass
    else:
        raise Fallen("a forged jump was taken")
    open_push(forged, {METER: known}.get, accept_plain=False)
    stands(known.window.last == 0xFFFFFFF0, "a genuine jump is not remembered")


@drill("A102", HEAD_END, Removal(ClientSettings, "__post_init__", _believing))
def a_relay_burns_the_counter() -> None:
    settings = client()
    conversation = Conversation(settings)
    conversation.associate()
    error = ExceptionServiceError.INVOCATION_COUNTER_ERROR
    forged = encode_apdu(ExceptionResponse(StateError.SERVICE_NOT_ALLOWED, error, 0xFFFFFF00))
    conversation.tamper = lambda sender, apdu: [forged] if sender == "meter" else [apdu]
    conversation.read()
    stands(conversation.stores[0].load(settings.send_counter_name) < 10_000, "a relay has used the counter up")


@drill("A070", HEAD_END, Removal(ReceiveWindow, "check", ignored))
def a_request_is_sent_again() -> None:
    conversation = _associated()
    conversation.write(ON)
    again = conversation.sent["client"][-1]
    conversation.write(OFF)
    conversation.arrive("meter", again)
    stands(conversation.device.values[NOTE] == OFF, "a repeated SET was done again")
