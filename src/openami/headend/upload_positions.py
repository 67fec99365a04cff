"""How far each collector's spools were taken: known exactly, without a sync of its own for each upload.

What lies in the head-end's spool carries its origin, so the unreleased items tell how far they go. What is released is
gone; therefore the positions are written to the journal before anything is released. A kill at any point leaves the
two together saying the truth, and the collector goes on behind it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from openami.io.spool.spool import Spool
from openami.model.errors import DecodeError, StoreError
from openami.protocols.zones.message import Origin, decode_push

SPOOLS_MAX = 64
_SCAN_ITEMS = 4096
_SCAN_BYTES = 4 << 20


class Journal(Protocol):
    """Where numbers are kept that never go back: a `CounterFile`."""

    def load(self, name: str) -> int: ...

    def names(self) -> list[str]: ...

    def save_many(self, values: Mapping[str, int]) -> None: ...


class NoJournal:
    """For a head-end that no collector calls: nothing is kept."""

    def load(self, name: str) -> int:
        raise KeyError(name)

    def names(self) -> list[str]:
        return []

    def save_many(self, values: Mapping[str, int]) -> None:
        if values:
            raise StoreError("a collector's uploads were taken without a journal of how far: give `uploads`")


class UploadPositions:
    """Appending and releasing happen one after the other (one worker thread, or inline), so nothing slips between."""

    def __init__(self, spool: Spool, journal: Journal) -> None:
        self._spool = spool
        self._journal = journal
        self._through = {name: journal.load(name) for name in journal.names()}
        self._unsaved: dict[str, int] = {}
        self._spools: dict[str, int] = {}
        for name in self._through:
            self._count(name)
        self._scan()

    def through(self, collector: str, spool: str) -> int:
        """The number through which the spool was taken; 0 if never.

        Raises `StoreError` for a new spool of a collector that has shown too many already.
        """
        name = _name(collector, spool)
        if name not in self._through and self._spools.get(collector, 0) >= SPOOLS_MAX:
            raise StoreError(f"collector {collector} has shown {SPOOLS_MAX} different spools: look at its disk")
        return self._through.get(name, 0)

    def append_many(self, items: Sequence[bytes]) -> list[int]:
        """Append to the spool, and know how far that goes once the items are on the disk."""
        numbers = self._spool.append_many(items)
        for item in items:
            self._note(decode_push(item).origin)
        return numbers

    def release(self, through: int) -> None:
        """Release items of the spool; how far they went is safe before they are gone."""
        unsaved = dict(self._unsaved)
        self._journal.save_many(unsaved)
        self._unsaved = {name: number for name, number in self._unsaved.items() if unsaved.get(name) != number}
        self._spool.release(through)

    def _note(self, origin: Origin | None) -> None:
        if origin is None:
            return
        name = _name(origin.collector, origin.spool)
        if name not in self._through:
            self._count(name)
        if origin.number > self._through.get(name, 0):
            self._through[name] = self._unsaved[name] = origin.number

    def _count(self, name: str) -> None:
        collector = name.rpartition("/")[0]
        self._spools[collector] = self._spools.get(collector, 0) + 1

    def _scan(self) -> None:
        after = 0
        while items := self._spool.read(after, _SCAN_ITEMS, _SCAN_BYTES):
            for item in items:
                try:
                    self._note(decode_push(item.content).origin)
                except DecodeError:  # not ours to judge: the back office sets it aside
                    continue
            after = items[-1].number


def _name(collector: str, spool: str) -> str:
    return f"{collector}/{spool}"
