"""The body of our meters' interval pushes: the newest rows of the load profile, sealed with the rest of the push.

A structure of the push setup's logical name, the profile's capture period and its newest rows, each row with the
columns of `INTERVAL_COLUMNS`, energies in whole Wh. It is what the push setup's push_object_list makes of the profile
when the data_index of its buffer is a number of rows: this meaning is ours, the standard's own was not at hand.
"""

from __future__ import annotations

from dataclasses import dataclass

from openami.model.errors import DecodeError
from openami.model.obis import ObisCode
from openami.protocols.dlms.cosem.push_setup import PushObject, PushSetup
from openami.protocols.dlms.data import DataType
from openami.protocols.dlms.selective_access import CaptureObjectDefinition

PUSH_ON_INTERVAL = ObisCode(0, 1, 25, 9, 0)
INTERVAL_COLUMNS = (
    CaptureObjectDefinition(8, ObisCode(0, 0, 1, 0, 0), 2),
    CaptureObjectDefinition(1, ObisCode(0, 0, 96, 10, 1), 2),
    CaptureObjectDefinition(3, ObisCode(1, 0, 1, 8, 0), 2),
    CaptureObjectDefinition(3, ObisCode(1, 0, 2, 8, 0), 2),
)
_START = bytes((DataType.STRUCTURE, 3, DataType.OCTET_STRING, 6)) + bytes(PUSH_ON_INTERVAL)
_PERIOD_AT = len(_START) + 1
_BUFFER_AT = _PERIOD_AT + 4


@dataclass(frozen=True, slots=True)
class IntervalPush:
    """`buffer` is the A-XDR bytes of the rows, which `decode_profile` reads; stamps are `capture_period_s` apart."""

    capture_period_s: int
    buffer: bytes


def interval_push_objects(profile: ObisCode, rows: int) -> tuple[PushObject, ...]:
    """The push_object_list of a push setup that sends the newest `rows` rows of `profile`."""
    return (
        PushObject(PushSetup.class_id, PUSH_ON_INTERVAL, 1, 0),
        PushObject(7, profile, 4, 0),
        PushObject(7, profile, 2, rows),
    )


def read_interval_push(body: bytes) -> IntervalPush | None:
    """The push in a notification's body; None if it is another one. Raises `DecodeError` for one that is broken."""
    if not body.startswith(_START):
        return None
    if len(body) <= _BUFFER_AT or body[_PERIOD_AT - 1] != DataType.DOUBLE_LONG_UNSIGNED:
        raise DecodeError("an interval push has a capture period and rows after its setup", len(_START))
    return IntervalPush(int.from_bytes(body[_PERIOD_AT:_BUFFER_AT], "big"), body[_BUFFER_AT:])
