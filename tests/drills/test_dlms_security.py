"""Adversaries on the way between client and meter. Each drill has a twin with its guard removed, which must fall.

The adversary reads, repeats, changes and invents APDUs, and has no keys.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from dlms_drills import Drills, forget, ignore
from dlms_pair import (
    BOTH,
    CLIENT_TITLE,
    ENERGY,
    ENERGY_OCTETS,
    KEYS,
    NOTE,
    PASSWORD,
    SECURED,
    SERVER_TITLE,
    Pair,
    Store,
    client_settings,
    note,
    password_settings,
    server_settings,
)
from openami.model.errors import OpenAmiError
from openami.protocols.dlms import (
    client_association,
    client_protection,
    client_request,
    counters,
    hls,
    protected_tags,
    push_receiver,
    security,
    server_association,
    server_association_control,
    server_protection,
)
from openami.protocols.dlms.acse import AARE
from openami.protocols.dlms.apdu import decode_apdu, encode_apdu
from openami.protocols.dlms.association import AssociationSettings
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.client_settings import ClientSettings
from openami.protocols.dlms.counters import COUNTER_END, CountersExhausted, MemoryCounters, ReceiveWindow, SendCounter
from openami.protocols.dlms.data import double_long_unsigned, encode_data
from openami.protocols.dlms.errors import AssociationRejected
from openami.protocols.dlms.events import Answered, Associated, Failed, Refused
from openami.protocols.dlms.get import GetResponseNormal
from openami.protocols.dlms.initiate import InitiateResponse
from openami.protocols.dlms.notification import DataNotification
from openami.protocols.dlms.push_receiver import PushKeys, open_push
from openami.protocols.dlms.request import Associate, Get, Set
from openami.protocols.dlms.secure_channel import SecureChannel
from openami.protocols.dlms.security import Secret, SecurityControl, SecurityKeys, protect
from openami.protocols.dlms.server_settings import ServerState

FORGED = encode_data(double_long_unsigned(999_999))
DRILLS = Drills()
drill = DRILLS.drill


def associated(settings: ClientSettings | None = None) -> Pair:
    pair = Pair(settings or client_settings())
    assert isinstance(pair.associate(), Associated)
    return pair


def between(pair: Pair, change: Callable[[bytes], list[bytes]]) -> None:
    """From now on the adversary changes what the meter says."""
    pair.tamper = lambda sender, apdu: change(apdu) if sender == "server" else [apdu]


def genuine_only(pair: Pair) -> None:
    """The answer is the meter's or a refusal, never the adversary's."""
    answers = [event.answer for event in pair.client_events if isinstance(event, Answered)]
    assert answers in ([], [ENERGY_OCTETS]), "the adversary's value was accepted"
    assert [event for event in pair.client_events if isinstance(event, Refused)], "nothing was refused"


def content_of(apdu: bytes) -> bytes:
    return decode_apdu(apdu).content


def glo(tag: int, content: bytes) -> bytes:
    assert len(content) < 128
    return bytes((tag, len(content))) + content


# The tag


@drill(forget(security, "verify_tag", ignore))
def every_flipped_bit_of_an_answer_is_refused():
    pair = associated()
    genuine = []
    between(pair, lambda apdu: [genuine.append(apdu) or b""])
    pair.client.send(Get(ENERGY), pair.now)
    pair.run()
    keys, window = KEYS, ReceiveWindow(0)
    channel = SecureChannel(keys, CLIENT_TITLE, SERVER_TITLE, SendCounter("x"), window, control=BOTH, required=BOTH)
    for bit in range(16, len(genuine[0]) * 8):
        flipped = bytearray(genuine[0])
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(OpenAmiError):
            channel.open(decode_apdu(bytes(flipped)))
        assert window.last == 0
    channel.open(decode_apdu(genuine[0]))


@drill(forget(security, "verify_tag", ignore))
def a_zeroed_tag_is_refused():
    def alter(apdu: bytes) -> list[bytes]:
        return [apdu[:-13] + bytes((apdu[-13] ^ 1,)) + bytes(12)]

    pair = associated()
    between(pair, alter)
    pair.ask(Get(ENERGY))
    assert isinstance(pair.client_events[-1], Refused), "an altered answer with a zeroed tag was accepted"
    pair.wait(2.0)
    assert "tag does not match" in str(pair.client_events[-1].error)


@drill(forget(security, "check_control", ignore))
def a_lowered_control_byte_with_the_tag_cut_off_is_refused():
    """Encryption alone is malleable: the adversary flips the value of which he knows the place."""

    def lower(apdu: bytes) -> list[bytes]:
        content = bytearray(content_of(apdu)[:-12])
        content[0] = 0x20
        content[-1] ^= 0x01
        return [glo(apdu[0], bytes(content)), apdu]

    pair = associated()
    between(pair, lower)
    pair.ask(Get(ENERGY))
    genuine_only(pair)


@drill(forget(security, "check_control", ignore))
def the_fleet_wide_broadcast_key_does_not_forge_unicast_answers():
    broadcast = bytes(range(0x60, 0x70))
    keys = SecurityKeys(KEYS.global_unicast_encryption_key, KEYS.authentication_key, broadcast)
    insider = SecurityKeys(broadcast, KEYS.authentication_key, broadcast)
    pair = associated(client_settings(keys=keys))
    plain = encode_apdu(GetResponseNormal(0xC1, FORGED))
    forged = glo(0xCC, protect(insider, SERVER_TITLE, 1000, 0x70, plain))
    between(pair, lambda apdu: [forged, apdu])
    pair.ask(Get(ENERGY))
    genuine_only(pair)


# Plaintext where protection was agreed


@drill(forget(client_protection, "check_protected", lambda tag, **_named: tag in protected_tags.CIPHERED_TAGS))
def a_plain_answer_in_a_protected_association_is_refused():
    pair = associated()
    between(pair, lambda apdu: [encode_apdu(GetResponseNormal(0xC1, FORGED)), apdu])
    pair.ask(Get(ENERGY))
    genuine_only(pair)


@drill(forget(server_protection, "check_protected", lambda tag, **_named: tag in protected_tags.CIPHERED_TAGS))
def a_plain_request_in_a_protected_association_is_refused():
    pair = associated()
    plain = bytes.fromhex("c10140") + bytes((0, NOTE.class_id)) + bytes(NOTE.instance_id) + b"\x02\x00" + note(b"x")
    pair.arrive("server", plain)
    pair.run()
    assert NOTE not in pair.device.values, "a plain SET changed the meter"


@drill(
    forget(
        client_association,
        "_open",
        lambda raw, channel: raw if raw[0] == 0x08 else channel.open(decode_apdu(raw)),
    )
)
def a_plain_initiate_response_does_not_lower_the_association():
    pair = Pair(client_settings())

    def strip(apdu: bytes) -> list[bytes]:
        aare = decode_apdu(apdu)
        if not isinstance(aare, AARE):
            return [apdu]
        plain = encode_apdu(InitiateResponse(server_max_receive_pdu_size=4096))
        fields = {name: getattr(aare, name) for name in AARE.__slots__} | {"user_information": plain}
        return [encode_apdu(AARE(**fields))]

    between(pair, strip)
    pair.associate()
    assert pair.client.state is not client_request.ClientState.ASSOCIATED, "associated on a plain InitiateResponse"


# Replay


@drill(forget(ReceiveWindow, "check", ignore))
def an_answer_of_the_same_session_is_not_taken_twice():
    pair = associated()
    pair.ask(Get(ENERGY))
    old = pair.sent["server"][-1]
    pair.device.values[ENERGY] = encode_data(double_long_unsigned(5))
    for _ in range(15):
        pair.ask(Get(ENERGY))
    between(pair, lambda _apdu: [old])
    answer = pair.ask(Get(ENERGY))
    assert isinstance(answer, Refused), "an old answer was taken for a new one"
    assert "replay refused" in str(answer.error)


@drill(forget(ReceiveWindow, "check", ignore))
def a_request_of_the_same_session_is_not_done_twice():
    pair = associated()
    pair.ask(Set(NOTE, note(b"on")))
    request = pair.sent["client"][-1]
    pair.ask(Set(NOTE, note(b"off")))
    pair.arrive("server", request)
    pair.run()
    assert pair.device.values[NOTE] == note(b"off"), "a repeated SET was done again"
    exception = decode_apdu(pair.sent["server"][-1])
    assert exception.service_error.name == "INVOCATION_COUNTER_ERROR"


def keyed_without_hls(**given: object) -> Pair:
    """Nothing makes this association fresh but the counters."""
    device = Store()
    associations = {SECURED: AssociationSettings(Authentication.NONE, keys=KEYS, protection=BOTH)}
    settings = server_settings(device, associations=associations)
    pair = Pair(client_settings(authentication=Authentication.NONE), settings, **given)
    pair.device = device
    return pair


@drill(forget(server_protection.ServerProtection, "keep_window", ignore))
def a_whole_session_is_not_repeated_after_a_restart_of_the_meter():
    first = keyed_without_hls()
    first.associate()
    first.ask(Set(NOTE, note(b"on")))
    second = keyed_without_hls(server_counters=first.server_counters)
    for apdu in first.sent["client"]:
        second.arrive("server", apdu)
        second.run()
    assert NOTE not in second.device.values, "the repeated session changed the meter"


@drill(forget(client_protection.ClientProtection, "keep_window", ignore))
def a_whole_session_is_not_repeated_to_a_restarted_client():
    first = keyed_without_hls()
    first.associate()
    first.ask(Get(ENERGY))
    second = keyed_without_hls(counters=first.counters)
    old = iter(first.sent["server"])
    between(second, lambda _apdu: [next(old)])
    second.associate()
    if second.client.state is client_request.ClientState.ASSOCIATED:
        answer = second.ask(Get(ENERGY))
        assert getattr(answer, "answer", None) != ENERGY_OCTETS, "an answer of an earlier session was accepted"


@drill(forget(hls, "verify_tag", ignore))
def an_hls_session_is_not_repeated_to_a_client_that_forgot_its_window():
    """With HLS the window may be lost: the challenge is new in each session."""
    first = associated()
    first.ask(Get(ENERGY))
    second = Pair(client_settings(), seed=2)
    old = iter(first.sent["server"])
    between(second, lambda _apdu: [next(old)])
    second.associate()
    assert second.client.state is not client_request.ClientState.ASSOCIATED, "pass 4 of an earlier session was accepted"


@drill(forget(server_association, "verify", lambda *_args: 0))
def an_hls_session_is_not_repeated_to_a_meter_that_forgot_its_window():
    first = associated()
    first.ask(Set(NOTE, note(b"on")))
    second = Pair(client_settings(), seed=2)
    for apdu in first.sent["client"]:
        second.arrive("server", apdu)
        second.run()
    assert NOTE not in second.device.values, "the repeated session changed the meter"


def commit_before_verification(patch: pytest.MonkeyPatch) -> None:
    check = ReceiveWindow.check

    def checked(self: ReceiveWindow, counter: int) -> None:
        check(self, counter)
        self.commit(counter)

    patch.setattr(ReceiveWindow, "check", checked)


@drill(commit_before_verification)
def a_forged_answer_with_the_last_counter_does_not_lock_the_client_out():
    pair = associated()
    forged = glo(0xCC, b"\x30\xff\xff\xff\xff" + bytes(30))
    between(pair, lambda apdu: [forged, apdu])
    answer = pair.ask(Get(ENERGY))
    assert [event for event in pair.client_events if isinstance(event, Refused)]
    assert getattr(answer, "answer", None) == ENERGY_OCTETS, "the genuine answer was refused"


@drill(commit_before_verification)
def a_forged_request_with_the_last_counter_does_not_lock_the_meter_out():
    pair = associated()
    pair.arrive("server", glo(0xC8, b"\x30\xff\xff\xff\xff" + bytes(30)))
    pair.client.receive(b"", pair.now)
    pair.run()
    assert isinstance(pair.server_events[-1], Refused)
    answer = pair.ask(Get(ENERGY))
    assert getattr(answer, "answer", None) == ENERGY_OCTETS, "the genuine client was locked out"


@drill(commit_before_verification)
def a_forged_association_request_does_not_lock_the_client_out():
    """Not even on another link of the meter, whose windows all links share."""
    pair = associated()
    attacker = Pair(client_settings(), state=pair.state, seed=2)
    aarq = pair.sent["client"][0]
    at = aarq.rindex(b"\x21\x1f\x30") + 3
    attacker.arrive("server", aarq[:at] + b"\xff\xff\xff\xff" + aarq[at + 4 :])
    attacker.run()
    answer = pair.ask(Get(ENERGY))
    assert getattr(answer, "answer", None) == ENERGY_OCTETS, "the genuine client was locked out"


# System titles and reflections


@drill(forget(SecureChannel, "_check_title", ignore))
def another_title_in_the_outer_header_is_refused():
    pair = associated(client_settings(use_general_glo=True))
    between(pair, lambda apdu: [apdu[:2] + apdu[2:9] + bytes((apdu[9] ^ 1,)) + apdu[10:]])
    answer = pair.ask(Get(ENERGY))
    assert isinstance(answer, Refused), "an answer under another system title was accepted"
    assert "is not that of the peer" in str(answer.error)


@drill(forget(client_association, "server_title", lambda _settings, aare: aare.responding_ap_title))
def another_meter_with_the_same_keys_is_not_taken_for_this_one():
    other = Store({ENERGY: FORGED})
    pair = Pair(client_settings(), server_settings(other, system_title=b"OAM\x10\x00\x00\x00\x2b"))
    answer = pair.associate()
    assert isinstance(answer, Refused), "associated with another meter"
    assert "was called" in str(answer.error)


@drill(forget(client_association, "server_title", lambda _settings, aare: aare.responding_ap_title))
def a_server_does_not_claim_our_own_title():
    """If it could, our own proof would be its proof."""
    pair = Pair(client_settings(server_system_title=None))

    def mirror(apdu: bytes) -> list[bytes]:
        return [apdu.replace(SERVER_TITLE, CLIENT_TITLE)] if apdu[0] == 0x61 else [apdu]

    between(pair, mirror)
    answer = pair.associate()
    assert isinstance(answer, Refused)
    assert "our own system title" in str(answer.error), "our own title was accepted from the server"


@drill(forget(client_association, "check_challenge", lambda challenge, _ours: challenge))
def our_own_challenge_sent_back_is_refused():
    pair = Pair(client_settings())

    def reflect(apdu: bytes) -> list[bytes]:
        if apdu[0] != 0x61:
            return [apdu]
        theirs = decode_apdu(apdu).responding_authentication_value
        ours = decode_apdu(pair.sent["client"][0]).calling_authentication_value
        return [apdu.replace(theirs, ours)]

    between(pair, reflect)
    answer = pair.associate()
    assert isinstance(answer, Refused), "our own challenge was answered for the adversary"
    assert len(pair.sent["client"]) == 1


# Who has not proven himself


def unsealed(**changes: object) -> Pair:
    """HLS 5 without protection of APDUs: the proof is all there is."""
    device = Store()
    associations = {SECURED: AssociationSettings(Authentication.HLS5, keys=KEYS)}
    settings = client_settings(protection=SecurityControl.NONE, **changes)
    pair = Pair(settings, server_settings(device, associations=associations))
    pair.device = device
    return pair


STRANGER = SecurityKeys(bytes(16), bytes(16))


@drill(forget(server_association, "verify", lambda *_args: 0))
def a_client_without_the_keys_does_not_get_in():
    pair = unsealed(keys=STRANGER)
    pair.associate()
    assert not pair.server.associations, "a client without keys has associated"
    pair.arrive("server", bytes.fromhex("c00141") + b"\x00\x03" + bytes(ENERGY.instance_id) + b"\x02\x00")
    pair.run()
    assert not pair.device.asked


@drill(forget(client_association, "verify", lambda *_args: 0))
def a_server_without_the_keys_is_found_out():
    device = Store()
    associations = {SECURED: AssociationSettings(Authentication.HLS5, keys=STRANGER)}
    pair = Pair(client_settings(protection=SecurityControl.NONE), server_settings(device, associations=associations))

    def accept(apdu: bytes) -> list[bytes]:
        refused = b"\xc7\x01\xc0\x03\x00"
        return [b"\xc7\x01\xc0\x00\x01\x00\x09\x11\x10" + bytes(16)] if apdu == refused else [apdu]

    between(pair, accept)
    failed = pair.associate()
    assert isinstance(failed, Failed), "associated with a server that has no keys"
    assert "tag does not match" in str(failed.error)


def serve_before_proof(patch: pytest.MonkeyPatch) -> None:
    judge = server_association_control.judge

    def judged(*args: object) -> object:
        accepted = judge(*args)
        accepted.association.established = True
        return accepted

    patch.setattr(server_association_control, "judge", judged)


@drill(serve_before_proof)
def nothing_is_served_before_the_proof():
    pair = unsealed()
    between(pair, lambda _apdu: [])
    pair.client.send(Associate(), pair.now)
    pair.run()
    pair.arrive("server", bytes.fromhex("c00141") + b"\x00\x03" + bytes(ENERGY.instance_id) + b"\x02\x00")
    pair.run()
    assert not pair.device.asked, "a service was served before the client had proven itself"


@drill(forget(Secret, "matches", lambda _self, _other: True))
def a_wrong_password_is_refused():
    failed = Pair(password_settings(password=Secret(b"Password"))).associate()
    assert isinstance(failed, Failed), "a wrong password was accepted"
    assert isinstance(failed.error, AssociationRejected)


# Counters that are sent


def numbers_of(apdus: list[bytes]) -> list[int]:
    """The invocation counters of everything that a side has sent under its key."""
    numbers = []
    for raw in apdus:
        apdu = decode_apdu(raw)
        inner = getattr(apdu, "user_information", None)
        if inner:
            apdu = decode_apdu(inner)
        if hasattr(apdu, "content"):
            numbers.append(int.from_bytes(apdu.content[1:5], "big"))
    return numbers


def send_before_persisting(patch: pytest.MonkeyPatch) -> None:
    def take(self: SendCounter) -> int:
        self._next += 1
        return self._next - 1

    patch.setattr(SendCounter, "available", property(lambda _self: 99))
    patch.setattr(SendCounter, "take", take)


@drill(send_before_persisting)
def a_crash_at_any_step_repeats_no_counter():
    """The process dies after `steps` events were handled; the next one starts from what was durable."""
    store, used = MemoryCounters(), []
    for steps in range(12):
        pair = Pair(client_settings(), counters=store)
        pair.client.send(Associate(), 0.0)
        for _ in range(steps):
            event = pair.client.next_event()
            if isinstance(event, counters.Persist):
                pair.client.persisted(counters.apply(store, event), 0.0)
            pair._pass("client")
            pair._pass("server")
            while (told := pair.server.next_event()) is not None:
                if isinstance(told, counters.Persist):
                    pair.server.persisted(counters.apply(pair.server_counters, told), 0.0)
        pair._pass("client")
        used += numbers_of(pair.sent["client"])
    assert used
    assert len(set(used)) == len(used), "an invocation counter was used twice"


@drill(forget(counters, "apply", lambda store, event: store.save(event.name, event.value) or event))
def two_clients_at_once_share_no_counter():
    store = MemoryCounters()
    pairs = [Pair(client_settings(), counters=store) for _ in range(2)]
    for pair in pairs:
        pair.client.send(Associate(), 0.0)
    events = [pair.client.next_event() for pair in pairs]
    for pair, event in zip(pairs, events, strict=True):
        pair.client.persisted(counters.apply(store, event), 0.0)
        pair.run()
    used = [number for pair in pairs for number in numbers_of(pair.sent["client"])]
    assert len(used) >= 4
    assert len(set(used)) == len(used), "an invocation counter was used twice"


@drill(forget(counters, "apply", lambda store, event: store.save(event.name, event.value) or event))
def two_links_of_a_meter_share_no_counter():
    """Both reserve at once, and the meter restarts in between."""
    store = MemoryCounters()
    states = [ServerState(SERVER_TITLE, store) for _ in range(2)]
    clients = [client_settings(), client_settings(system_title=bytes(8))]
    pairs = [Pair(clients[i], state=states[i], server_counters=store) for i in range(2)]
    used = []
    for pair in pairs:
        pair.associate()
        pair.ask(Get(ENERGY))
        used += numbers_of(pair.sent["server"])
    assert len(set(used)) == len(used), "an invocation counter was used twice"


def begin_again_at_the_end(patch: pytest.MonkeyPatch) -> None:
    def reservation(self: SendCounter) -> counters.Persist:
        return counters.Persist(self.name, self._end + self.reserve, self.reserve)

    def take(self: SendCounter) -> int:
        self._next += 1
        return (self._next - 1) % COUNTER_END

    patch.setattr(SendCounter, "reservation", reservation)
    patch.setattr(SendCounter, "take", take)
    patch.setattr(counters, "apply", lambda store, event: store.save(event.name, event.value) or event)


@drill(begin_again_at_the_end)
def counters_that_are_used_up_end_the_conversation():
    store = MemoryCounters()
    settings = client_settings()
    store.save(settings.send_counter_name, COUNTER_END - 6)
    pair = Pair(settings, counters=store)
    pair.associate()
    for _ in range(6):
        answer = pair.ask(Get(ENERGY))
        if isinstance(answer, Failed):
            break
    used = numbers_of(pair.sent["client"])
    assert isinstance(answer, Failed), "sending went on after the last counter"
    assert isinstance(answer.error, CountersExhausted)
    assert "change the encryption key" in str(answer.error)
    assert used == sorted(set(used))


# Pushes

PUSH = encode_apdu(DataNotification(1, None, ENERGY_OCTETS))


def push(counter: int, title: bytes = SERVER_TITLE, keys: SecurityKeys = KEYS) -> bytes:
    content = protect(keys, title, counter, 0x30, PUSH)
    return b"\xdb\x08" + title + bytes((len(content),)) + content


@drill(forget(ReceiveWindow, "check", ignore))
def a_push_is_not_taken_twice():
    known = PushKeys(KEYS, ReceiveWindow())
    assert open_push(push(5), {SERVER_TITLE: known}.get, accept_plain=False).system_title == SERVER_TITLE
    for old in (5, 4):
        with pytest.raises(counters.ReplayedCounter):
            open_push(push(old), {SERVER_TITLE: known}.get, accept_plain=False)
    open_push(push(6), {SERVER_TITLE: known}.get, accept_plain=False)


@drill(commit_before_verification)
def a_forged_push_does_not_silence_the_meter():
    known = PushKeys(KEYS, ReceiveWindow())
    with pytest.raises(OpenAmiError):
        open_push(push(0xFFFFFFFF, keys=STRANGER), {SERVER_TITLE: known}.get, accept_plain=False)
    try:
        open_push(push(1), {SERVER_TITLE: known}.get, accept_plain=False)
    except OpenAmiError as error:
        raise AssertionError("the genuine push was refused") from error


@drill(forget(push_receiver, "unprotect", lambda _keys, _title, content, **_named: content[5:]))
def a_push_under_another_title_is_refused():
    known = PushKeys(KEYS, ReceiveWindow())
    for raw in (push(1, title=CLIENT_TITLE).replace(CLIENT_TITLE, SERVER_TITLE), push(1, keys=STRANGER)):
        with pytest.raises(OpenAmiError, match="tag does not match"):
            open_push(raw, {SERVER_TITLE: known}.get, accept_plain=False)


# Secrets


def show_secrets(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Secret, "__repr__", lambda self: str(self.reveal()))
    patch.setattr(SecurityKeys, "__repr__", lambda self: self.authentication_key.hex())


@drill(show_secrets)
def no_secret_in_any_text():
    """Every event, error, setting and log line of good and bad sessions, searched for the keys in each spelling."""
    texts = []
    handler = logging.Handler()
    handler.emit = lambda record: texts.append(record.getMessage())
    logging.getLogger().addHandler(handler)
    try:
        for settings in (
            client_settings(),
            client_settings(use_dedicated_key=True),
            client_settings(keys=SecurityKeys(KEYS.authentication_key, KEYS.authentication_key)),
            password_settings(),
            password_settings(password=Secret(b"Sesam-0000")),
        ):
            pair = Pair(settings)
            pair.associate()
            if pair.client.state is client_request.ClientState.ASSOCIATED:
                pair.ask(Get(ENERGY))
            pair.arrive("server", b"\xc8" + bytes(40))
            pair.arrive("client", b"\xcc" + bytes(40))
            pair.run()
            for event in (*pair.client_events, *pair.server_events):
                texts += [repr(event), str(getattr(event, "error", "")), repr(getattr(event, "error", ""))]
            texts += [repr(settings), repr(server_settings(pair.device)), repr(decode_apdu(pair.sent["client"][0]))]
    finally:
        logging.getLogger().removeHandler(handler)
    secrets = [KEYS.global_unicast_encryption_key, KEYS.authentication_key, PASSWORD, b"Sesam-0000"]
    for secret in secrets:
        for spelling in (secret.hex(), repr(secret)[2:-1], str(list(secret)), secret.hex(" ")):
            assert not [text for text in texts if spelling.lower() in text.lower()], "a secret was shown"


@pytest.mark.parametrize("name", DRILLS)
def test_guard_holds(name):
    DRILLS[name].attack()


@pytest.mark.parametrize("name", DRILLS)
def test_twin_without_the_guard_falls(name, monkeypatch):
    DRILLS.fall(name, monkeypatch)
