"""What the registry says of very many points at once, as plain rows: an object for each costs more than the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Connection, Row, or_, select, type_coerce

from openami.backoffice.registry.tables import channel, installation, meter, metering_point
from openami.io.store.among import among
from openami.model.point import ChannelKind


def channels_of_kind(connection: Connection, points: Sequence[int], kind: ChannelKind) -> Sequence[Row[Any]]:
    """The channels of one kind with their point's `zone`, by point and number, as `rows.channel_of` takes them."""
    query = (
        select(channel, metering_point.c.zone)
        .join(metering_point, metering_point.c.id == channel.c.metering_point)
        .where(among(channel.c.metering_point, points), channel.c.kind == kind.value)
    )
    return connection.execute(query.order_by(channel.c.metering_point, channel.c.number)).all()


def hung_between(connection: Connection, points: Sequence[int], start: int, end: int) -> Sequence[Any]:
    """Which meters hung at the points between two moments (microseconds), by point and time: metering point, meter,
    start and end of the installation (microseconds), and the meter's link.
    """
    begun, ended = (type_coerce(installation.c[name], BigInteger) for name in ("start", "end"))
    query = (
        select(installation.c.metering_point, installation.c.meter, begun, ended, meter.c.link)
        .join(meter, meter.c.id == installation.c.meter)
        .where(among(installation.c.metering_point, points), begun < end, or_(ended.is_(None), ended > start))
    )
    return connection.execute(query.order_by(installation.c.metering_point, begun)).all()
