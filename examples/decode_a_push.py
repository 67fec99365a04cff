"""Open a ciphered push: who sent it, what is in it, and proof that nobody changed it."""

import secrets

from openami.model import SecurityError
from openami.protocols.dlms import (
    CosemDateTime,
    Data,
    DataNotification,
    DataType,
    GeneralGloCiphering,
    PushKeys,
    ReceiveWindow,
    SecurityControl,
    SecurityKeys,
    decode_data,
    encode_apdu,
    encode_data,
    open_push,
    plain,
    protect,
)

TITLE = b"OAM\0\0\0\0\1"
KEYS = SecurityKeys(secrets.token_bytes(16), secrets.token_bytes(16))


def sent_by_a_meter() -> bytes:
    """What a meter puts on the wire: a DataNotification, sealed under its keys with invocation counter 7."""
    body = encode_data(Data(DataType.STRUCTURE, (Data(DataType.DOUBLE_LONG_UNSIGNED, 4711),)))
    notification = DataNotification(1, CosemDateTime.from_utc(1_767_225_600), body)
    control = SecurityControl.AUTHENTICATED_ENCRYPTION
    return encode_apdu(GeneralGloCiphering(TITLE, protect(KEYS, TITLE, 7, control, encode_apdu(notification))))


senders = {TITLE: PushKeys(KEYS, ReceiveWindow(0))}
apdu = sent_by_a_meter()
push = open_push(apdu, senders.get, accept_plain=False)
print(push.system_title.hex(), push.notification.date_time, plain(decode_data(push.notification.notification_body)))

try:
    open_push(apdu, senders.get, accept_plain=False)
except SecurityError as error:
    print("the same bytes again:", error)

try:
    open_push(apdu[:-1] + bytes([apdu[-1] ^ 1]), {TITLE: PushKeys(KEYS, ReceiveWindow(0))}.get, accept_plain=False)
except SecurityError as error:
    print("one bit changed:", error)
