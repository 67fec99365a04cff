"""What a campaign reads from each meter."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from openami.model.errors import StoreError
from openami.model.obis import ObisCode

LOAD_PROFILE = "1-0:99.1.0*255"
DAILY_BILLING = "1-0:98.2.0*255"
EVENT_LOG = "0-0:99.98.0*255"
CLOCK = ObisCode(0, 0, 1, 0, 0)
CHANNELS = 4
"""M-Bus channels that meters usually have."""

_Code = Annotated[str, Meta(pattern=r"^\d{1,3}-\d{1,3}:\d{1,3}\.\d{1,3}\.\d{1,3}\*\d{1,3}$")]


class ReadPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Logical names of what is read, None for what is not.

    Of the load profile only the holes of the campaign's period are read, at most `ranges_max` ranges; more holes are
    read as one range from the first to the last. Where the registry knows meters on the meter's M-Bus, its channels 1
    to `sub_meters` are read. Billing values are read for the whole period, the event log from where it was read last.
    """

    load_profile: _Code | None = LOAD_PROFILE
    daily_billing: _Code | None = DAILY_BILLING
    event_log: _Code | None = EVENT_LOG
    sub_meters: Annotated[int, Meta(ge=0, le=CHANNELS)] = CHANNELS
    ranges_max: Annotated[int, Meta(ge=1, le=64)] = 4


def encode_plan(plan: ReadPlan) -> str:
    """The plan as the store keeps it."""
    return msgspec.json.encode(plan).decode()


def decode_plan(text: str) -> ReadPlan:
    """Read a stored plan; raise `StoreError` if it is none."""
    try:
        return msgspec.json.decode(text, type=ReadPlan)
    except msgspec.DecodeError as error:
        raise StoreError(f"the store holds a read plan that this program does not understand: {error}") from error
