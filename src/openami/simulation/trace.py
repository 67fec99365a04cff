"""What happened, in order, as one hash: equal hashes mean equal histories, whatever the machine.

Only integers and bytes go in; times are whole microseconds.
"""

from __future__ import annotations

import hashlib

_AT_ONCE = 4096


class Trace:
    """Note what happens; `hash` stands for everything that was noted."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._waiting: list[str] = []
        self.events = 0

    def note(self, now: float, kind: str, *details: int | str) -> None:
        """Something happened at `now` (seconds of virtual time)."""
        self._waiting.append(f"{round(now * 1e6)} {kind} {details}\n")
        self.events += 1
        if len(self._waiting) >= _AT_ONCE:
            self._flush()

    @property
    def hash(self) -> str:
        """Of all that was noted until now, in hexadecimal."""
        self._flush()
        return self._digest.hexdigest()

    def _flush(self) -> None:
        self._digest.update("".join(self._waiting).encode())
        self._waiting.clear()
