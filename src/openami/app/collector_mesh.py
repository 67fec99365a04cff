"""The mesh below a collector: its own station is the root, and a file says which stations may join.

    MESH/root         our EUI-64 and key in hexadecimal, made at the first start
    MESH/stations     a line for each station that may join: EUI-64 and device key; # begins a comment
    MESH/counters     journal of our frame counters

The keys are those of the mesh's links. What meters say is sealed with others, which no collector holds.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from openami.io.clock import Clock
from openami.io.disk import SystemDisk, write_whole
from openami.io.keystore.counter_file import CounterFile
from openami.io.links.mesh import MeshStation
from openami.io.links.zep import LAB, zep_address
from openami.model.errors import LinkError, SettingError
from openami.protocols.mesh.node import MeshNode
from openami.protocols.mesh.parameters import NodeSettings

LOG = logging.getLogger(__name__)
_EUI64, _KEY = 8, 16
_LOCAL: Final = b"\x02OAM"
"""Begins an EUI-64 that is locally administered."""


async def open_mesh(stack: AsyncExitStack, folder: Path, radio: str, clock: Clock) -> MeshStation:
    """The root's station on `radio`, running until `stack` ends; `folder` is made if it is not there."""
    address = zep_address(radio, "collector.mesh")
    SystemDisk().make_folder(folder)
    eui64, key = _root(folder / "root")
    counters = CounterFile(folder / "counters", disk=SystemDisk())
    stack.callback(counters.close)
    settings = NodeSettings(eui64, root=True, device_key=key, keys_of=Stations(folder / "stations"), parameters=LAB)
    node = MeshNode(settings, secrets.token_bytes, counters)
    opened = await address.open()
    stack.push_async_callback(opened.close)
    station = MeshStation(node, node, opened, clock, counters)
    stack.push_async_callback(_ended, asyncio.create_task(_run(station)))
    return station


class Stations:
    """Looks up the keys of stations in `file`, which is read again when it has changed."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._changed = -1
        self._keys: dict[bytes, bytes] = {}
        if file.exists():
            self._load()

    def __call__(self, eui64: bytes) -> bytes | None:
        try:
            self._load()
        except (OSError, SettingError) as error:
            LOG.error("%s; the stations of before stay", error)
        return self._keys.get(eui64)

    def _load(self) -> None:
        changed = self._file.stat().st_mtime_ns
        if changed != self._changed:
            lines = enumerate(self._file.read_text(encoding="ascii").splitlines(), start=1)
            told = ((number, line.partition("#")[0].split()) for number, line in lines)
            self._keys = dict(_station(words, self._file, number) for number, words in told if words)
            self._changed = changed


def _station(words: list[str], file: Path, line: int) -> tuple[bytes, bytes]:
    try:
        eui64, key = map(bytes.fromhex, words)
        if (len(eui64), len(key)) == (_EUI64, _KEY):
            return eui64, key
    except ValueError:
        pass
    raise SettingError(f"{file} line {line}: an EUI-64 of 16 and a key of 32 hexadecimal digits are expected")


def _root(file: Path) -> tuple[bytes, bytes]:
    """Who we are; made at random the first time."""
    if not file.exists():
        own = _LOCAL + secrets.token_bytes(_EUI64 - len(_LOCAL)), secrets.token_bytes(_KEY)
        write_whole(SystemDisk(), file, " ".join(part.hex() for part in own).encode())
    return _station(file.read_text(encoding="ascii").split(), file, 1)


async def _run(station: MeshStation) -> None:
    try:
        await station.run()
    except LinkError as error:
        LOG.error("the mesh's radio: %s", error)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
