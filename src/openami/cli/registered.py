"""What a command names is looked up in the registry: metering points by their codes, and their channels."""

from __future__ import annotations

from openami.backoffice.registry.registry import Registry
from openami.model.errors import SettingError
from openami.model.obis import ObisCode
from openami.model.point import Channel, ChannelKind, MeteringPoint


def point_of(registry: Registry, code: str) -> MeteringPoint:
    """The metering point `code`; raises `SettingError` if there is none."""
    found = registry.point_by_code(code)
    if found is None:
        raise SettingError(f"there is no metering point {code!r}")
    return found


def interval_channel(registry: Registry, point: MeteringPoint, obis: ObisCode) -> Channel:
    """The channel of a point's intervals; raises `SettingError` if it has none."""
    for channel in registry.channels(point.id):
        if channel.obis == obis and channel.kind is ChannelKind.INTERVAL_ENERGY:
            return channel
    raise SettingError(f"metering point {point.code!r} has no interval channel {obis}")
