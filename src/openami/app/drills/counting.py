"""Numbers that no two messages share: power cuts, jumps to the end, counters that are burnt, requests sent again."""

from __future__ import annotations

from openami.app.drills.conversation import (
    KEYS,
    METER,
    NOTE,
    OFF,
    ON,
    Conversation,
    associated,
    client,
    numbers_of,
    sealed_push,
)
from openami.app.drills.drill import Fallen, Removal, drill, ignored, stands
from openami.model.errors import OpenAmiError
from openami.protocols.dlms import counters, security
from openami.protocols.dlms.apdu import encode_apdu
from openami.protocols.dlms.client_settings import ClientSettings
from openami.protocols.dlms.counters import MemoryCounters, ReceiveWindow
from openami.protocols.dlms.exception import ExceptionResponse, ExceptionServiceError, StateError
from openami.protocols.dlms.push_receiver import PushKeys, open_push

ROGUE = "rogue meter"
LOCAL = "local port"
HEAD_END = "HES DMZ host"


def _believing(self: ClientSettings) -> None:
    """Whatever counter somebody names is followed."""
    object.__setattr__(self, "counter_jump_max", 1 << 40)


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
    forged = sealed_push(0xFFFFFFF0)
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
    conversation = associated()
    conversation.write(ON)
    again = conversation.sent["client"][-1]
    conversation.write(OFF)
    conversation.arrive("meter", again)
    stands(conversation.device.values[NOTE] == OFF, "a repeated SET was done again")
