"""The roots of metering data in the audit log: what was known once cannot be changed in the store unseen.

Each entry's digest is the Merkle root over the rows that became known since the entry before. The rows' names and
hashes are kept in a list beside the log, so that `check` can name the row that is not as it was. A list proves nothing
by itself: it counts only while its root is the one in the log.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from openami.backoffice.audit.entry import Audit, Entry, Kind
from openami.backoffice.audit.merkle import MerkleTree
from openami.backoffice.mdm.known_rows import RowName, known_rows
from openami.io.disk import Disk, write_whole
from openami.io.store.columns import EPOCH
from openami.io.store.engine import Store
from openami.model.errors import SettingError

ACTOR: Final = "mdm"
DROPPED: Final = "dropped for good"
LATE: Final = timedelta(days=2)
"""A row may be committed so long after the moment at which it became known: a large file is taken in many pieces."""
_LISTED: Final = "rows known"
_ROWS: Final = msgspec.msgpack.Decoder(dict[str, bytes])


class Difference(StrEnum):
    """How a row is not as it was when its root was entered."""

    CHANGED = "changed"
    GONE = "gone"
    ADDED = "added"
    LIST_LOST = "the list of its rows is not the one in the log"


class Finding(NamedTuple):
    """A row (or the period of a list) and what is wrong with it."""

    name: str
    difference: Difference


class Dropped(NamedTuple):
    """Days before `before` (since 1970-01-01) were dropped: of metering point `point`, or of all."""

    point: int | None
    before: int

    @property
    def subject(self) -> str:
        """As it stands in the audit log."""
        whose = "every metering point" if self.point is None else f"metering point {self.point}"
        return f"{whose} before day {self.before}"

    @classmethod
    def parse(cls, subject: str) -> Dropped:
        """The dropping that an entry tells of; raises `ValueError` if it is none."""
        whose, separator, before = subject.partition(" before day ")
        if not separator:
            raise ValueError(f"{subject!r} tells of no days that were dropped")
        return cls(None if whose == "every metering point" else int(whose.removeprefix("metering point ")), int(before))

    def covers(self, name: RowName) -> bool:
        """Whether this is why a row is not there."""
        return self.point in {None, name.point} and name.day < self.before


def enter_dropped(audit: Audit, actor: str, dropped: Dropped) -> None:
    """Say in the log, before it is done, that days are dropped."""
    audit.enter(Kind.BLOCKS, actor, dropped.subject, DROPPED)


def droppings(audit: Audit) -> list[Dropped]:
    """Which days the log says were dropped."""
    return [Dropped.parse(entry.subject) for entry in audit.of_kind(Kind.BLOCKS) if entry.what == DROPPED]


class Roots:
    """The roots of `store` in `audit`; the lists of rows are files in `folder`."""

    def __init__(self, store: Store, audit: Audit, folder: Path, disk: Disk) -> None:
        self._store = store
        self._audit = audit
        self._folder = folder
        self._disk = disk
        self._entered = [one for one in audit.of_kind(Kind.BLOCKS) if one.what.endswith(_LISTED)]
        disk.make_folder(folder)

    def enter(self, now: datetime) -> int | None:
        """Enter the root of what became known since the last one; the entry's index, or None if nothing did."""
        start, end = self._through(), now.replace(microsecond=0)
        rows = self._unlisted(start, end)
        if not rows:
            return None
        period = _period(start, end)
        write_whole(self._disk, self._path(period), msgspec.msgpack.encode(rows))
        index = self._audit.enter(Kind.BLOCKS, ACTOR, period, f"{len(rows)} {_LISTED}", _root(rows))
        self._entered += self._audit.entries(index, 1)
        return index

    def check(self, since: datetime, dropped: Iterable[Dropped] = ()) -> list[Finding]:
        """What is not as it was, of all rows that became known from `since` on; `dropped` says what was meant to go."""
        chosen = [entry for entry in self._entered if _bounds(entry)[1] >= since]
        if not chosen:
            return []
        findings: list[Finding] = []
        listed: dict[str, bytes] = {}
        for entry in chosen:
            rows = self._list(entry)
            findings += [Finding(entry.subject, Difference.LIST_LOST)] if rows is None else []
            listed |= rows or {}
        told = [*dropped, *droppings(self._audit)]
        return findings + self._differing(listed, (since, _bounds(chosen[0])[0], _bounds(chosen[-1])[1]), told)

    def _differing(
        self, listed: Mapping[str, bytes], times: tuple[datetime, datetime, datetime], dropped: Iterable[Dropped]
    ) -> list[Finding]:
        """`times`: since when strange rows count, from when on rows are listed, through when."""
        since, first, through = times
        added_from, added_to = max(since, first), through - LATE
        rest, findings = dict(listed), []
        with self._store.reading() as connection:
            for row in known_rows(connection, max(EPOCH, first - LATE) if first > EPOCH else EPOCH, through):
                leaf = rest.pop(str(row.name), None)
                at = EPOCH + timedelta(microseconds=row.at)
                if leaf is None and added_from <= at < added_to:
                    findings.append(Finding(str(row.name), Difference.ADDED))
                elif leaf is not None and leaf != row.leaf:
                    findings.append(Finding(str(row.name), Difference.CHANGED))
        reasons = list(dropped)
        gone = [name for name in rest if not any(one.covers(RowName.parse(name)) for one in reasons)]
        return sorted(findings + [Finding(name, Difference.GONE) for name in gone])

    def _unlisted(self, start: datetime, end: datetime) -> dict[str, bytes]:
        """The rows until `end` that no list names yet, by name."""
        back = start - LATE if start > EPOCH else EPOCH
        known: dict[str, bytes] = {}
        for entry in reversed(self._entered):
            if _bounds(entry)[1] <= back:
                break
            known |= self._list(entry) or {}
        with self._store.reading() as connection:
            found = {str(row.name): row.leaf for row in known_rows(connection, back, end)}
        return {name: found[name] for name in sorted(found) if name not in known}

    def _through(self) -> datetime:
        return _bounds(self._entered[-1])[1] if self._entered else EPOCH

    def _list(self, entry: Entry) -> dict[str, bytes] | None:
        """The list of an entry; None unless its root is the one in the log."""
        path = self._path(entry.subject)
        if path.name not in self._disk.names(self._folder):
            return None
        try:
            rows = _ROWS.decode(self._disk.read(path))
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        return rows if _root(rows) == entry.digest else None

    def _path(self, period: str) -> Path:
        return self._folder / f"{period.replace('/', '-').replace(':', '')}.rows"


def _root(rows: Mapping[str, bytes]) -> bytes:
    """Over the rows by name: the name is hashed with the row, as the key stands in it."""
    tree = MerkleTree()
    for name in sorted(rows):
        tree.append(rows[name])
    return tree.root()


def _period(start: datetime, end: datetime) -> str:
    return "/".join(at.strftime("%Y-%m-%dT%H:%M:%SZ") for at in (start, end))


def _bounds(entry: Entry) -> tuple[datetime, datetime]:
    try:
        start, end = (datetime.fromisoformat(part).astimezone(UTC) for part in entry.subject.split("/"))
    except ValueError as error:
        raise SettingError(f"the audit log's entry of {entry.subject!r} names no period") from error
    return start, end
