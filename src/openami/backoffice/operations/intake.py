"""What operations needs of metering data management, which lies above it and is therefore handed in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from openami.model.reading import ProfileReading, Received, RegisterReading


class Intake(Protocol):
    """Takes readings and the bytes that they came from. Taking the same again changes nothing.

    Its methods join the transaction that the caller has open on the same store.
    """

    def keep_evidence(
        self, meter: int, received_at: datetime, protocol: str, received: Sequence[bytes], plain: bytes, note: str
    ) -> int:
        """Keep bytes; the id that readings name."""
        ...

    def keep_all_evidence(self, batch: Sequence[Received], /) -> list[int]:
        """Keep the bytes of many conversations or pushes; their ids, in this order."""
        ...

    def take_profile(self, batch: Sequence[ProfileReading], /) -> object: ...

    def take_register(self, readings: Sequence[RegisterReading], /) -> object: ...

    def holes(self, meter: int, start: datetime, end: datetime) -> Sequence[tuple[datetime, datetime]]:
        """From when to when readings of the meter are lacking."""
        ...
