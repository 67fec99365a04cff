"""How far many channels have been read, in few queries: what a fleet is judged by."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from sqlalchemy import Connection

from openami.backoffice.mdm import stored
from openami.backoffice.mdm.channel_days import ABSENT, Sources
from openami.model.interval import DAY_S, utc
from openami.model.point import Channel


def last_stamps(connection: Connection, channels: Sequence[Channel]) -> dict[Channel, datetime]:
    """The end of the last interval of which a snapshot is known, per channel that keeps blocks and has one."""
    days = stored.last_days(connection, [channel.metering_point for channel in channels])
    together: dict[tuple[int, int], list[Channel]] = {}
    for channel in channels:
        day = days.get((channel.metering_point, channel.number))
        if day is not None:
            together.setdefault((channel.resolution_s, day), []).append(channel)
    found: dict[Channel, datetime] = {}
    for (step, day), some in together.items():
        keys = [(channel.metering_point, channel.number, day) for channel in some]
        present = stored.load(connection, keys, step, Sources()).source != ABSENT
        ends = present.shape[1] - np.argmax(present[:, ::-1], axis=1)
        stamps = (day * DAY_S + ends * step).tolist()
        known = present.any(axis=1).tolist()
        found |= {channel: utc(stamp) for channel, stamp, there in zip(some, stamps, known, strict=True) if there}
    return found
