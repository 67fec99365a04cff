"""Pushes from anybody to a listener that knows one sender, and what anybody answers them. The messages are our own."""

from __future__ import annotations

from fuzz_targets import fuzz_target
from meter_bench import CLIENT_TITLE, make_meter
from meter_bench import KEYS as METER_KEYS
from openami.field.meter.push_confirmation import open_confirmation
from openami.model.errors import SecurityError
from openami.protocols.dlms.apdu import encode_apdu
from openami.protocols.dlms.counters import MemoryCounters, ReceiveWindow
from openami.protocols.dlms.data import double_long_unsigned, encode_data
from openami.protocols.dlms.notification import DataNotification, DataNotificationConfirm
from openami.protocols.dlms.push_receiver import PushKeys, open_push
from openami.protocols.dlms.receipt import receipt_of
from openami.protocols.dlms.security import SecurityKeys, protect
from openami.protocols.dlms.wrapper import encode_wrapper

KEYS = SecurityKeys(bytes(range(16)), bytes(range(0xD0, 0xE0)))
TITLE = b"OAM\x10\x00\x00\x00\x2a"
PLAIN = encode_apdu(DataNotification(7, None, encode_data(double_long_unsigned(1))))
CONTENTS = [protect(KEYS, TITLE, counter, 0x30, PLAIN) for counter in (1, 0xFFFFFFFF)]
SEEDS = [PLAIN, *(b"\xdb\x08" + TITLE + bytes((len(content),)) + content for content in CONTENTS)]


@fuzz_target("dlms-push", SEEDS)
def push(data: bytes) -> None:
    """Refused, or told; a refusal moves no window."""
    known = PushKeys(KEYS, ReceiveWindow())
    try:
        open_push(data, {TITLE: known}.get, accept_plain=True)
    except SecurityError:
        assert known.window.last == -1


METER = make_meter()
CONFIRM = encode_apdu(DataNotificationConfirm(7))
SEALED = [protect(METER_KEYS, CLIENT_TITLE, counter, 0x30, CONFIRM) for counter in (1, 0xFFFFFFFF)]
CONFIRMATIONS = [CONFIRM, *(b"\xdb\x08" + CLIENT_TITLE + bytes((len(content),)) + content for content in SEALED)]


@fuzz_target("push-confirmation", CONFIRMATIONS)
def confirmation(data: bytes) -> None:
    """Refused, or taken; a refusal makes nothing durable."""
    METER.counters = counters = MemoryCounters()
    try:
        open_confirmation(METER, data)
    except SecurityError:
        assert not counters.values


CONFIRMED = encode_apdu(DataNotification(1 << 30 | 7, None, encode_data(double_long_unsigned(1))))


@fuzz_target("push-receipt", [encode_wrapper(CONFIRMED, 1, 103), encode_wrapper(PLAIN, 1, 103), CONFIRMED])
def receipt(data: bytes) -> None:
    """A receipt, or none: it is short whatever came, and answers no receipt."""
    given = receipt_of(data)
    assert len(given) in {0, 13}
    assert not receipt_of(given)
