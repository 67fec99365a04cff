import pytest

from dlms_pair import ENERGY_OCTETS, KEYS, SERVER_TITLE
from openami.model.errors import DecodeError, SecurityError
from openami.protocols.dlms.apdu import encode_apdu
from openami.protocols.dlms.counters import Persist, ReceiveWindow
from openami.protocols.dlms.events import Closed, Refused
from openami.protocols.dlms.framing import Garbage, Role
from openami.protocols.dlms.get import GetResponseNormal
from openami.protocols.dlms.notification import DataNotification
from openami.protocols.dlms.push_receiver import PushKeys, PushReceived, PushReceiver, open_push, push_window_name
from openami.protocols.dlms.security import SecurityControl, protect
from openami.protocols.dlms.wrapper import WrapperFraming, encode_wrapper

PLAIN = encode_apdu(DataNotification(7, None, ENERGY_OCTETS))
WINDOW_NAME = "dlms/4f414d100000002a/push/received"


def sealed(counter: int, plain: bytes = PLAIN, control: int = 0x30, title: bytes = SERVER_TITLE) -> bytes:
    content = protect(KEYS, SERVER_TITLE, counter, control, plain)
    return b"\xdb" + bytes((len(title),)) + title + bytes((len(content),)) + content


def receiver(**named) -> PushReceiver:
    known = {SERVER_TITLE: PushKeys(KEYS, ReceiveWindow())}
    return PushReceiver(WrapperFraming(Role.SERVER, 1, 1), known.get, **named)


def told_of(core: PushReceiver, *apdus: bytes) -> list:
    for apdu in apdus:
        core.receive(encode_wrapper(apdu, 1, 103), 0.0)
    return list(iter(core.next_event, None))


def test_a_sealed_push_names_its_sender_and_its_window_is_kept_first():
    persist, push = told_of(receiver(), sealed(4))
    assert persist == Persist(WINDOW_NAME, 5)
    assert push_window_name(SERVER_TITLE) == WINDOW_NAME
    assert isinstance(push, PushReceived)
    assert (push.system_title, push.invocation_counter) == (SERVER_TITLE, 4)
    assert push.notification.notification_body == ENERGY_OCTETS
    assert (push.apdu, push.plain) == (sealed(4), PLAIN)


def test_a_plain_push_has_no_sender_and_needs_leave():
    (push,) = told_of(receiver(accept_plain=True), PLAIN)
    assert (push.system_title, push.apdu) == (None, PLAIN)
    (refused,) = told_of(receiver(), PLAIN)
    assert "plain DataNotification" in str(refused.error)


@pytest.mark.parametrize(
    ("apdu", "kind", "reason"),
    [
        (sealed(1)[:-1] + b"\x00", SecurityError, "tag does not match"),
        (sealed(1, title=bytes(8)), SecurityError, "unknown system title 0000000000000000"),
        (sealed(1, title=b""), SecurityError, r"unknown system title \(empty\)"),
        (sealed(1, control=0x20), SecurityError, "protects less than the required"),
        (sealed(1, encode_apdu(GetResponseNormal(1, b"\x00"))), DecodeError, "holds GetResponseNormal"),
        (encode_apdu(GetResponseNormal(1, b"\x00")), DecodeError, "is no push"),
        (b"", DecodeError, "a byte expected"),
    ],
)
def test_what_is_refused_is_kept(apdu, kind, reason):
    (refused,) = told_of(receiver(accept_plain=True), apdu)
    assert isinstance(refused, Refused)
    assert isinstance(refused.error, kind)
    assert refused.apdu == apdu
    with pytest.raises(kind, match=reason):
        open_push(apdu, {SERVER_TITLE: PushKeys(KEYS, ReceiveWindow())}.get, accept_plain=True)


def test_repeated_and_older_pushes_are_refused_and_newer_ones_are_not():
    told = told_of(receiver(), sealed(5), sealed(5), sealed(4), sealed(6))
    assert [type(event) for event in told] == [Persist, PushReceived, Refused, Refused, Persist, PushReceived]


def test_authentication_alone_where_it_is_agreed():
    told = told_of(receiver(required=SecurityControl.AUTHENTICATION), sealed(5, control=0x10))
    assert isinstance(told[-1], PushReceived)


def test_garbage_and_the_end_are_told():
    core = receiver()
    core.receive(b"\xff" * 20, 0.0)
    core.closed(0.0)
    assert [type(event) for event in iter(core.next_event, None)] == [Garbage, Closed]
    assert core.data_to_send(0.0) == b""
    assert core.next_timeout() is None
    core.handle_timeout(1.0)
