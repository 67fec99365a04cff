"""Single reads of a point: what water, gas and heat meters told, read by read, with what flowed in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from openami.model.interval import utc
from openami.model.obis import ObisCode
from openami.model.point import Channel, ChannelKind
from openami.model.quantity import Quantity
from openami.portal.ownership import Sight
from openami.portal.rooms import Rooms

BACK = timedelta(days=62)
SHOWN = 62


@dataclass(frozen=True, slots=True)
class SingleRead:
    """A register as it stood at `stamp`; `since` is what was added since the read before, if the meter is the same."""

    obis: ObisCode
    stamp: datetime
    register: Quantity
    since: Quantity | None
    evidence: int
    meter: int


def single_reads(rooms: Rooms, sight: Sight, channels: Sequence[Channel]) -> list[SingleRead]:
    """The latest reads that the reader may see, newest first."""
    found: list[SingleRead] = []
    for channel in channels:
        if channel.kind is ChannelKind.STAMPED_REGISTER:
            found += _of_channel(rooms, sight, channel)
    return sorted(found, key=lambda read: (read.stamp, read.obis), reverse=True)[:SHOWN]


def _of_channel(rooms: Rooms, sight: Sight, channel: Channel) -> list[SingleRead]:
    kept = rooms.mdm.registers(channel.metering_point, channel.obis, rooms.now - BACK, rooms.now)
    seen = [each for each in kept if sight.shows_register(utc(each.stamp))]
    reads = []
    for before, each in zip([None, *seen], seen, strict=False):
        same = before is not None and before.meter == each.meter
        added = each.register - before.register if same and before is not None else None
        since = None if added is None else Quantity(added, channel.scaler, channel.unit)
        register = Quantity(each.register, channel.scaler, channel.unit)
        reads.append(SingleRead(channel.obis, utc(each.stamp), register, since, each.evidence, each.meter))
    return reads
