"""Who holds no key may confirm what came plainly: that it was received, by octets that need no understanding."""

from __future__ import annotations

import struct
from typing import Final

from openami.protocols.dlms.access import LongInvokeId
from openami.protocols.dlms.apdu import encode_apdu
from openami.protocols.dlms.notification import DataNotificationConfirm
from openami.protocols.dlms.wrapper import HEADER_SIZE, VERSION, encode_wrapper

_HEAD: Final = struct.Struct(">4HBI")
_DATA_NOTIFICATION: Final = 0x0F


def receipt_of(push: bytes) -> bytes:
    """The wrapped DataNotificationConfirm of a plain, wrapped DataNotification that asks for one; else nothing.

    A protected push gets none: its confirmation is protected as it was itself. What is said here is that the push was
    received, not that anybody believes it. Never raises.
    """
    if len(push) < _HEAD.size:
        return b""
    version, source, destination, length, tag, number = _HEAD.unpack_from(push)
    whole = version == VERSION and length == len(push) - HEADER_SIZE
    if not whole or tag != _DATA_NOTIFICATION or not number & LongInvokeId.CONFIRMED:
        return b""
    return encode_wrapper(encode_apdu(DataNotificationConfirm(number)), destination, source)
