"""The multiplier of instrument transformers as it is told, in the scale of a point's channels."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from openami.model.errors import SettingError
from openami.model.point import Channel


def factor_of(channels: Sequence[Channel], obis: str, multiplier: tuple[int, int], scaler: int) -> int:
    """What one unit on the display (10^`scaler`) stands for, in the scale of the channels of `obis`; `multiplier` is a
    whole number and a power of ten. `SettingError` if that is no whole number, or there is no such channel.
    """
    scales = list(dict.fromkeys(channel.scaler for channel in channels if str(channel.obis) == obis))
    if len(scales) != 1:
        raise SettingError(f"the point has no channel for {obis}, or several of different scalers")
    whole, power = multiplier
    factor = whole * Fraction(10) ** (power + scaler - scales[0])
    if factor.denominator != 1:
        raise SettingError(
            f"the multiplier is no whole number in the channel's unit (10^{scales[0]}): values would not be exact"
        )
    return factor.numerator
