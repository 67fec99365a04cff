"""A meter whose only way out is a station in a mesh."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from openami.cli.hexadecimal import octets
from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.faces.mesh import MeshFace
from openami.io.clock import ScaledClock
from openami.io.keystore.counter_file import CounterFile
from openami.io.links.mesh import MeshStation
from openami.io.links.zep import LAB, ZepAddress, zep_address
from openami.model.errors import SettingError
from openami.protocols.mesh.node import MeshNode
from openami.protocols.mesh.parameters import NodeSettings


@dataclass(frozen=True, slots=True)
class MeshPlace:
    """Where a meter's station stands, and with what it joins."""

    radio: ZepAddress
    eui64: bytes
    key: bytes = field(repr=False)

    async def run(self, device: ElectricityMeter, clock: ScaledClock, counters: CounterFile) -> None:
        """Be a station until cancelled: relay for others, answer and push."""
        radio = await self.radio.open()
        try:
            settings = NodeSettings(self.eui64, device_key=self.key, parameters=LAB)
            node = MeshNode(settings, secrets.token_bytes, counters)
            face = MeshFace(node, device, random=secrets.token_bytes, times=clock)
            await MeshStation(face, node, radio, clock, counters).run()
        finally:
            await radio.close()


def mesh_place(radio: str, eui64: str | None, key: str | None) -> MeshPlace:
    """Read the options; raises `SettingError`."""
    if eui64 is None or key is None:
        raise SettingError("--mesh needs --mesh-eui64 and --mesh-key, as the collector's file of stations has them")
    return MeshPlace(zep_address(radio, "--mesh"), octets("--mesh-eui64", eui64, 8), octets("--mesh-key", key, 16))
