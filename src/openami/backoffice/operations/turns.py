"""Turns: how the campaigns that run at once share the reads that may be under way.

Each campaign that has work may have an equal share of all turns. What one does not use, the others take; they get no
new turn while one with less than its share waits, so a small campaign beside a large one waits no longer than it
takes the large one's reads to end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class _Party:
    wake: Callable[[], None]
    running: int = 0
    hungry: bool = False


class Turns:
    """`total` turns (at least 1) for all campaigns of a process. Not for threads: one event loop."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._parties: dict[int, _Party] = {}

    def enter(self, campaign: int, wake: Callable[[], None]) -> None:
        """A campaign begins to run; `wake` is called when a turn may have become free for it."""
        self._parties[campaign] = _Party(wake)

    def leave(self, campaign: int) -> None:
        """A campaign has ended; its turns are free."""
        del self._parties[campaign]
        self._wake_next()

    def take(self, campaign: int) -> int:
        """Take all turns that the campaign may have now; what it cannot use it gives back at once."""
        party = self._parties[campaign]
        share = max(1, self._total // len(self._parties))
        kept = sum(
            max(0, share - other.running) for other in self._parties.values() if other is not party and other.hungry
        )
        free = self._total - sum(other.running for other in self._parties.values())
        taken = max(0, min(free, max(share - party.running, free - kept)))
        party.running += taken
        party.hungry = True
        if free > taken:
            self._wake_next(other_than=party)
        return taken

    def give_back(self, campaign: int, turns: int = 1, *, sated: bool = False) -> None:
        """Turns are over, or were not needed. `sated`: the campaign has nothing more to read for now."""
        party = self._parties[campaign]
        party.running -= turns
        if sated:
            party.hungry = False
        self._wake_next()

    def _wake_next(self, other_than: _Party | None = None) -> None:
        """Tell the campaign that has the fewest turns of those that want more."""
        hungry = [party for party in self._parties.values() if party.hungry and party is not other_than]
        if hungry:
            min(hungry, key=lambda party: party.running).wake()
