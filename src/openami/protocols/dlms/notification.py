"""DataNotification and EventNotification: what a meter sends unasked.

In a DataNotification the date-time is an octet string without a tag. Kaifa and Aidon meters put the tag 09
before it (seen in real pushes); that is accepted and remembered in `date_time_tagged`, so that the same octets
can be made again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Final

from openami.protocols.dlms.axdr import take_length
from openami.protocols.dlms.data import DataType
from openami.protocols.dlms.date_time import CosemDateTime
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor
from openami.protocols.dlms.raw_data import RAW_DATA_TO_END
from openami.protocols.wire.cursor import Cursor
from openami.protocols.wire.declared import Codec, declared
from openami.protocols.wire.integers import UNSIGNED32

_DATE_TIME_SIZE: Final = 12
LONG_INVOKE_ID: Final = 0xFFFFFF
"""The number in a long-invoke-id-and-priority."""


@dataclass(frozen=True, slots=True)
class DataNotification:
    """A push: when it was made (if the meter says so) and its body, one undecoded Data."""

    long_invoke_id_and_priority: int
    date_time: CosemDateTime | None
    notification_body: bytes
    date_time_tagged: bool = False

    CODEC: ClassVar[Codec[DataNotification]]

    def encode(self, out: bytearray) -> None:
        """Append the octets behind the APDU's tag."""
        UNSIGNED32.encode(self.long_invoke_id_and_priority, out)
        if self.date_time_tagged:
            out.append(DataType.OCTET_STRING)
        octets = b"" if self.date_time is None else bytes(self.date_time)
        out.append(len(octets))
        out += octets
        out += self.notification_body


def _decode(cursor: Cursor) -> DataNotification:
    long_invoke_id_and_priority = cursor.field("long_invoke_id_and_priority", UNSIGNED32.decode)
    tagged = _take_tag(cursor)
    date_time = cursor.field("date_time", _take_date_time)
    body = cursor.field("notification_body", RAW_DATA_TO_END.decode)
    return DataNotification(long_invoke_id_and_priority, date_time, body, tagged)


def _take_tag(cursor: Cursor) -> bool:
    """Whether the date-time has the tag that the standard does not give it."""
    start = cursor.position
    if cursor.data[start : min(start + 2, cursor.end)] != bytes((DataType.OCTET_STRING, _DATE_TIME_SIZE)):
        return False
    cursor.take(1)
    cursor.note("date_time_tag", start, DataType.OCTET_STRING.text)
    return True


def _take_date_time(cursor: Cursor) -> CosemDateTime | None:
    start = cursor.position
    length = take_length(cursor)
    cursor.note("length", start, length)
    if not length:
        return None
    if length != _DATE_TIME_SIZE:
        raise cursor.error(f"a date-time has {_DATE_TIME_SIZE} octets or none, not {length}", back=1)
    start = cursor.position
    date_time = CosemDateTime.from_bytes(cursor.take(length), start)
    cursor.note("octets", start, date_time)
    return date_time


DataNotification.CODEC = Codec("DataNotification", _decode, DataNotification.encode)


@declared
class DataNotificationConfirm:
    """The push with this long-invoke-id has arrived; only for pushes that ask for it."""

    long_invoke_id_and_priority: Annotated[int, UNSIGNED32]


def _take_event_time(cursor: Cursor) -> CosemDateTime | None:
    start = cursor.position
    present = cursor.u8()
    cursor.note("present", start, bool(present))
    return _take_date_time(cursor) if present else None


def _put_event_time(value: CosemDateTime | None, out: bytearray) -> None:
    out += b"\x00" if value is None else b"\x01\x0c" + bytes(value)


EVENT_TIME: Final = Codec("time", _take_event_time, _put_event_time)
"""An optional date-time: a presence octet, then a length and the octets."""


@declared
class EventNotificationRequest:
    """One attribute, sent because something happened."""

    time: Annotated[CosemDateTime | None, EVENT_TIME]
    cosem_attribute_descriptor: CosemAttributeDescriptor
    attribute_value: Annotated[bytes, RAW_DATA_TO_END]
