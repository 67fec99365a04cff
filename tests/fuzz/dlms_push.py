"""Pushes from anybody to a listener that knows one sender. The messages are our own."""

from __future__ import annotations

from fuzz_targets import fuzz_target
from openami.model.errors import SecurityError
from openami.protocols.dlms.apdu import encode_apdu
from openami.protocols.dlms.counters import ReceiveWindow
from openami.protocols.dlms.data import double_long_unsigned, encode_data
from openami.protocols.dlms.notification import DataNotification
from openami.protocols.dlms.push_receiver import PushKeys, open_push
from openami.protocols.dlms.security import SecurityKeys, protect

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
