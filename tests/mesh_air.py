"""Radios in one room, in virtual time: what one sends, all others hear after its airtime."""

from __future__ import annotations

import asyncio

from openami.protocols.mesh.parameters import MeshParameters


class Air:
    def __init__(self, parameters: MeshParameters) -> None:
        self.parameters = parameters
        self.radios: list[AirRadio] = []

    def radio(self) -> AirRadio:
        radio = AirRadio(self)
        self.radios.append(radio)
        return radio


class AirRadio:
    """A `Radio`."""

    def __init__(self, air: Air) -> None:
        self._air = air
        self._heard: asyncio.Queue[tuple[bytes, int]] = asyncio.Queue()

    async def transmit(self, psdu: bytes) -> bool:
        await asyncio.sleep(self._air.parameters.airtime_s(len(psdu)))
        for radio in self._air.radios:
            if radio is not self:
                radio._heard.put_nowait((psdu, -60))
        return True

    async def receive(self) -> tuple[bytes, int]:
        return await self._heard.get()
