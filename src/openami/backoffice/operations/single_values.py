"""Single values of a meter, from whatever protocol, as stamped registers of the points where it hangs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from openami.backoffice.registry.registry import Registry
from openami.model.measurement import Measurement
from openami.model.obis import ObisCode
from openami.model.point import Channel, ChannelKind
from openami.model.quality import Quality
from openami.model.quantity import Quantity
from openami.model.reading import RegisterReading


class SingleValues:
    """Knows which values of a meter are registers that somebody wants: those that a channel for single reads names."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def channels(self, meter: int) -> dict[ObisCode, Channel]:
        """The channels for stamped registers at all points where the meter hung."""
        points = [hung.metering_point for hung in self._registry.installations(meter)]
        found = self._registry.channels_of_points(points)
        return {channel.obis: channel for channel in found if channel.kind is ChannelKind.STAMPED_REGISTER}

    def registers(
        self, meter: int, values: Iterable[Measurement], received_at: datetime, evidence: int
    ) -> Iterator[RegisterReading]:
        """The registers among `values`, stamped with the meter's time in UTC where it told one, else `received_at`."""
        channels = self.channels(meter)
        for value, channel, register in _wanted(values, channels):
            told = value.time if isinstance(value.time, datetime) else received_at
            stamp = told.replace(microsecond=0)
            yield RegisterReading(meter, channel.obis, stamp, register, received_at, evidence)


def _wanted(
    values: Iterable[Measurement], channels: Mapping[ObisCode, Channel]
) -> Iterator[tuple[Measurement, Channel, int]]:
    for value in values:
        channel = channels.get(value.name) if isinstance(value.name, ObisCode) else None
        if channel is None or value.quality is not Quality.MEASURED or not isinstance(value.value, Quantity):
            continue
        register = in_channel(value.value, channel)
        if register is not None:
            yield value, channel, register


def in_channel(quantity: Quantity, channel: Channel) -> int | None:
    """The register in the channel's scaler; what is finer than that is cut off. None for another unit."""
    if quantity.unit is not channel.unit:
        return None
    power = quantity.scaler - channel.scaler
    factor: int = 10 ** abs(power)
    return quantity.mantissa * factor if power >= 0 else quantity.mantissa // factor
