"""Whoever sits on a line between client and meter: bytes to repeat, change and invent, and no key."""

from __future__ import annotations

from functools import partial

from openami.app.drills.conversation import (
    FORGED,
    KEYS,
    METER,
    NOTE,
    ON,
    TRUE,
    Conversation,
    associated,
    sealed_push,
)
from openami.app.drills.drill import Fallen, Removal, drill, ignored, stands
from openami.model.errors import OpenAmiError
from openami.protocols.dlms import client_protection, protected_tags, security, server_protection
from openami.protocols.dlms.apdu import decode_apdu, encode_apdu
from openami.protocols.dlms.ciphered import Ciphered
from openami.protocols.dlms.counters import ReceiveWindow
from openami.protocols.dlms.get import GetResponseNormal
from openami.protocols.dlms.push_receiver import PushKeys, open_push
from openami.protocols.dlms.secure_channel import SecureChannel

ROGUE = "rogue meter"
WAN = "WAN man in the middle"
RADIO = "NAN radio"
LAST = b"\x30\xff\xff\xff\xff" + bytes(30)


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


@drill("A008", ROGUE, Removal(ReceiveWindow, "check", ignored))
def a_push_is_resent() -> None:
    known, taken = PushKeys(KEYS, ReceiveWindow()), 0
    raw = sealed_push(5)
    for _ in range(2):
        try:
            open_push(raw, {METER: known}.get, accept_plain=False)
        except OpenAmiError:
            continue
        taken += 1
    stands(taken == 1, f"one push was taken {taken} times")


@drill("A004", ROGUE, Removal(SecureChannel, "_check_title", ignored))
def another_title_stands_outside() -> None:
    conversation = associated(use_general_glo=True)
    conversation.tamper = lambda sender, apdu: (
        [apdu[:9] + bytes((apdu[9] ^ 1,)) + apdu[10:]] if sender == "meter" else [apdu]
    )
    conversation.read()
    stands(not conversation.answers(), "an answer under another meter's title was believed")


@drill("A050", WAN, Removal(ReceiveWindow, "check", _commits))
def a_forged_frame_names_the_last_counter() -> None:
    conversation = associated()
    conversation.arrive("meter", _glo(0xC8, LAST))
    conversation.tamper = lambda sender, apdu: [_glo(0xCC, LAST), apdu] if sender == "meter" else [apdu]
    stands(conversation.read() == TRUE, "after one forged frame the genuine ones are refused")


@drill(
    "A051",
    WAN,
    Removal(client_protection, "check_protected", lambda tag, **_named: tag in protected_tags.CIPHERED_TAGS),
)
def a_plain_answer_comes_first() -> None:
    conversation = associated()
    plain = encode_apdu(GetResponseNormal(0xC1, FORGED))
    conversation.tamper = lambda sender, apdu: [plain, apdu] if sender == "meter" else [apdu]
    _believed(conversation)


@drill(
    "A051",
    WAN,
    Removal(server_protection, "check_protected", lambda tag, **_named: tag in protected_tags.CIPHERED_TAGS),
)
def a_plain_request_is_slipped_in() -> None:
    conversation = associated()
    head = bytes.fromhex("c10140") + bytes((0, NOTE.class_id)) + bytes(NOTE.instance_id)
    conversation.arrive("meter", head + b"\x02\x00" + ON)
    stands(NOTE not in conversation.device.values, "a SET without protection changed the meter")


@drill("A053", WAN, Removal(security, "check_control", ignored))
def the_control_byte_is_lowered_and_the_tag_cut_off() -> None:
    conversation = associated()

    def lowered(apdu: bytes) -> bytes:
        content = bytearray(_content(apdu)[:-12])
        content[0], content[-1] = 0x20, content[-1] ^ 1
        return _glo(apdu[0], bytes(content))

    conversation.tamper = lambda sender, apdu: [lowered(apdu), apdu] if sender == "meter" else [apdu]
    _believed(conversation)


@drill("A054", WAN, Removal(security, "verify_tag", ignored))
def the_tag_is_cut_short() -> None:
    for left in range(12):
        conversation = associated()
        conversation.tamper = partial(_cut_short, left)
        conversation.read()
        stands(not conversation.answers(), f"an answer with {left} bytes of its tag was believed")


def _cut_short(left: int, sender: str, apdu: bytes) -> list[bytes]:
    """The meter's tag shortened, and filled up so that twelve bytes stand at the end."""
    if sender == "client":
        return [apdu]
    content = _content(apdu)
    return [_glo(apdu[0], content[:-12] + content[-12 : len(content) - 12 + left] + bytes(12 - left))]


def _content(apdu: bytes) -> bytes:
    ciphered = decode_apdu(apdu)
    assert isinstance(ciphered, Ciphered)
    return ciphered.content


@drill("A025", RADIO, Removal(security, "verify_tag", ignored))
def tags_are_guessed() -> None:
    known, words = PushKeys(KEYS, ReceiveWindow()), set()
    genuine = sealed_push(1)
    for number in range(1000):
        try:
            open_push(genuine[:-12] + number.to_bytes(12, "big"), {METER: known}.get, accept_plain=False)
        except OpenAmiError as error:
            words.add(str(error))
            continue
        raise Fallen("a guessed tag was taken")
    stands(len(words) == 1, "refusals differ: they tell the guesser something")
