"""What the registry takes, whether it is told one thing or a file of them. All raise `SettingError`."""

from __future__ import annotations

from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from openami.model.errors import SettingError
from openami.model.interval import DAY_S
from openami.model.point import Channel, ChannelKind

CHANNELS_MAX: Final = 0x7FFF
"""A block names its channel in 16 bits with a sign, and counts the intervals of its day as well."""


def check_zone(zone: str) -> None:
    """`zone` is a name of the IANA time zone database."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise SettingError(f"{zone!r} is not a time zone; write it as Europe/Berlin") from None


def check_channel(channel: Channel) -> None:
    """What a channel's numbers are by themselves, whatever others its point has."""
    number, resolution_s = channel.number, channel.resolution_s
    if not 0 <= number <= CHANNELS_MAX:
        raise SettingError(f"channel {number}: numbers go from 0 to {CHANNELS_MAX}")
    if channel.multiplier < 1:
        raise SettingError(f"channel {number}: the multiplier {channel.multiplier} is less than 1")
    stamped = channel.kind is ChannelKind.STAMPED_REGISTER
    if stamped != (resolution_s == 0) or (not stamped and not _divides_a_day(resolution_s)):
        raise SettingError(f"channel {number}: {resolution_s} s is no resolution for {channel.kind.value}")


def _divides_a_day(resolution_s: int) -> bool:
    return resolution_s > 0 and DAY_S % resolution_s == 0 and DAY_S // resolution_s <= CHANNELS_MAX
