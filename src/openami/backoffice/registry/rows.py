"""Rows of the registry's tables as the model's values."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import Row

from openami.model.obis import ObisCode
from openami.model.point import Channel, ChannelKind, Consumer, Installation, Meter, MeteringPoint, Supply
from openami.model.quality import GuaranteeClass
from openami.model.unit import Unit

_UNITS = {int(unit): unit for unit in Unit}


def point_of(row: Row[Any]) -> MeteringPoint:
    return MeteringPoint(row.id, row.code, row.service_address, row.zone, row.transformer)


def meter_of(row: Row[Any]) -> Meter:
    guarantee = GuaranteeClass(row.guarantee)
    return Meter(row.id, row.serial, row.system_title, guarantee, row.link, row.framing, row.curve)


def channel_of(row: Row[Any]) -> Channel:
    return Channel(
        metering_point=row.metering_point,
        number=row.number,
        obis=_obis(row.obis),
        kind=ChannelKind(row.kind),
        unit=_UNITS[row.unit],
        scaler=row.scaler,
        resolution_s=row.resolution_s,
        modulus=row.modulus,
        multiplier=row.multiplier,
    )


def row_of_channel(channel: Channel) -> dict[str, Any]:
    """The other way round."""
    return {
        "metering_point": channel.metering_point,
        "number": channel.number,
        "obis": str(channel.obis),
        "kind": channel.kind.value,
        "unit": int(channel.unit),
        "scaler": channel.scaler,
        "resolution_s": channel.resolution_s,
        "modulus": channel.modulus,
        "multiplier": channel.multiplier,
    }


@lru_cache(maxsize=1_024)
def _obis(text: str) -> ObisCode:
    """A registry has many channels, and few codes."""
    return ObisCode.parse(text)


def installation_of(row: Row[Any]) -> Installation:
    return Installation(row.meter, row.metering_point, row.start, row.end)


def consumer_of(row: Row[Any]) -> Consumer:
    return Consumer(row.id, row.name)


def supply_of(row: Row[Any]) -> Supply:
    return Supply(row.consumer, row.metering_point, row.start, row.end)
