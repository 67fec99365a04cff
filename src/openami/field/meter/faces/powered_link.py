"""A meter without supply neither hears nor answers; when it comes back, its links have forgotten everything."""

from __future__ import annotations

from openami.field.meter.electricity import ElectricityMeter
from openami.io.links.link import Link


class PoweredLink:
    """`link` as a meter sees it from now until its next power failure.

    What arrives without supply is lost, and so is what was to be sent. With the first bytes after the supply came
    back this link ends; the underlying one ends with it unless `keep` says that it outlives the meter's memory.
    """

    __slots__ = ("_failures", "_keep", "_link", "_meter", "datagrams", "ended", "first", "peer")

    def __init__(self, link: Link, meter: ElectricityMeter, *, keep: bool = False, first: bytes = b"") -> None:
        self.peer = link.peer
        self.datagrams = link.datagrams
        self.ended = False
        """Whether the underlying link has ended."""
        self.first = first
        """Bytes to hear before all others; afterwards, those that came when this link had ended."""
        self._link = link
        self._meter = meter
        self._keep = keep
        self._failures = meter.power_failures

    async def receive(self) -> bytes:
        while True:
            data, self.first = self.first or await self._link.receive(), b""
            self.ended = not data
            if self.ended:
                return b""
            if self._meter.powered and self._failures == self._meter.power_failures:
                return data
            if self._meter.powered:
                self.first = data
                return b""

    async def send(self, data: bytes) -> None:
        if self._meter.powered and self._failures == self._meter.power_failures:
            await self._link.send(data)

    async def close(self) -> None:
        if not self._keep:
            await self._link.close()
