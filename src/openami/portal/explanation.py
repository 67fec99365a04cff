"""Bytes with their meaning: which byte belongs to which field, for the evidence page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate, groupby

from openami.model.errors import DecodeError
from openami.protocols.decode import Decoded
from openami.protocols.dlms.apdu import explain_apdu
from openami.protocols.dlms.data import DATA, Data, DataType
from openami.protocols.dlms.meaning import date_time_of, meaning
from openami.protocols.iec62056_21.telegram import decode_message_bytes, decode_p1_bytes
from openami.protocols.mbus.telegram import decode_bare_records
from openami.protocols.sml.telegram import decode_sml
from openami.protocols.wire.cursor import Cursor, Span

READERS: Mapping[str, Callable[[bytes], Decoded]] = {
    "wmbus": decode_bare_records,
    "mbus": decode_bare_records,
    "p1": decode_p1_bytes,
    "sml": decode_sml,
    "iec62056-21": decode_message_bytes,
}
"""Protocols other than DLMS, by the name under which evidence is kept."""
Visible = Callable[[datetime], bool]
Stamps = tuple[datetime, ...]

HEADERS = frozenset(
    (
        "tag",
        "invoke_id_and_priority",
        "long_invoke_id_and_priority",
        "choice",
        "last_block",
        "block_number",
        "array",
        "structure",
    )
)
"""Fields that say how values are packed and never hold one: the only ones that readers of limited sight see outside
of their own rows. A field that is not named here is hidden from them."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Neighbouring bytes of one field: `field` is the number of the field, `None` for bytes without one.

    A hidden piece has no bytes, only their count.
    """

    field: int | None
    hex: str
    count: int
    hidden: bool = False
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """One explained field: bytes `start` to `end` (exclusive), name and path in the standard's words, meaning."""

    number: int
    start: int
    end: int
    name: str
    path: str
    depth: int
    meaning: str
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Explanation:
    """Explained bytes. `error` says why there are no fields, if there are none."""

    pieces: tuple[Piece, ...]
    fields: tuple[Field, ...]
    error: str = ""


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of a profile: the bytes `start` to `end` carry values of `stamp`."""

    start: int
    end: int
    stamp: datetime


def explain(raw: bytes, *, stamps: Stamps = (), protocol: str = "") -> Explanation:
    """Every byte of the APDU `raw`, or of what `protocol` calls its opened content; the rows of `stamps` are marked.
    Undecodable bytes are shown as they are.
    """
    reader = READERS.get(protocol)
    try:
        spans = _spans(raw) if reader is None else list(reader(raw).spans)
    except DecodeError as error:
        return Explanation((Piece(None, raw.hex(" "), len(raw)),), (), str(error))
    return _explained(raw, spans, stamps, None)


def explain_own(raw: bytes, visible: Visible, *, stamps: Stamps = ()) -> Explanation:
    """As `explain`, for somebody who may see some times only: bytes are hidden unless they belong to a visible row
    of a profile or to no value at all. What cannot be attributed to a time is hidden.
    """
    try:
        spans = _spans(raw)
    except DecodeError:
        return Explanation((Piece(None, "", len(raw), hidden=True),), (), "These bytes cannot be attributed to a time.")
    return _explained(raw, spans, stamps, visible)


def _spans(raw: bytes) -> list[Span]:
    """The fields of an APDU, or of bare Data one behind another (what values are once their answers are opened)."""
    try:
        return explain_apdu(raw)[1]
    except DecodeError as error:
        try:
            return _data_spans(raw)
        except DecodeError:
            raise error from None


def _data_spans(raw: bytes) -> list[Span]:
    cursor = Cursor(raw, explain=True)
    number = 0
    while cursor.remaining:
        cursor.field(f"data {number}", DATA.decode)
        number += 1
    return cursor.spans or []


def profile_rows(ordered: Sequence[Span]) -> list[_Row]:
    """The rows of a profile buffer: the structures that hold a stamp whose deviation from UTC is known.

    The first stamp of a structure is the row's; inner rows come after the outer ones that hold them.
    """
    outer = {span.path: span for span in ordered}
    rows: dict[tuple[str, ...], _Row] = {}
    for span in ordered:
        stamp = _stamp(span.value)
        path = span.path[:-1]
        if stamp and path in outer and _is(outer[path].value, DataType.STRUCTURE):
            rows.setdefault(path, _Row(outer[path].start, outer[path].end, stamp))
    return sorted(rows.values(), key=lambda row: (row.start, -row.end))


def _is(value: object, kind: DataType) -> bool:
    return isinstance(value, Data) and value.type is kind


def _stamp(value: object) -> datetime | None:
    """The instant that a Data of twelve octets or of type date-time names."""
    moment = date_time_of(value) if isinstance(value, Data) else None
    return moment.to_utc() if moment else None


def _explained(raw: bytes, spans: Sequence[Span], stamps: Stamps, visible: Visible | None) -> Explanation:
    ordered = sorted(spans, key=lambda span: (span.start, -span.end, len(span.path)))
    owners = _owners(len(raw), ordered)
    looks = _Looks.of(owners, ordered, profile_rows(ordered), stamps, visible)
    fields = [_field(number, span, looks) for number, span in enumerate(ordered) if not looks.hides(span.start)]
    return Explanation(_pieces(raw, owners, looks), tuple(fields))


@dataclass(frozen=True, slots=True)
class _Looks:
    """How each byte looks to the reader: `hidden[i]` tells how many bytes before byte i they must not see, `marked`
    which bytes belong to the readings that were asked for.
    """

    hidden: Sequence[int]
    marked: Sequence[bool]

    @classmethod
    def of(
        cls,
        owners: Sequence[int | None],
        ordered: Sequence[Span],
        rows: Sequence[_Row],
        stamps: Stamps,
        visible: Visible | None,
    ) -> _Looks:
        """Without `visible` everything is shown. With it a byte is shown if it belongs to a row of a visible time, or
        to a field outside of rows that never holds a value; all else is hidden.
        """
        shown = [visible is None or _is_header(owner, ordered) for owner in owners]
        marked = [False] * len(owners)
        for row in rows:
            size = row.end - row.start
            shown[row.start : row.end] = [visible is None or visible(row.stamp)] * size
            marked[row.start : row.end] = [row.stamp in stamps] * size
        return cls(list(accumulate((not each for each in shown), initial=0)), marked)

    def hides(self, offset: int) -> bool:
        """Whether the byte at `offset` is hidden; nothing is hidden at the end of the bytes."""
        return offset + 1 < len(self.hidden) and self.hidden[offset + 1] > self.hidden[offset]

    def cuts(self, span: Span) -> bool:
        """Whether some byte of `span` is hidden, so that its value must not be told."""
        return self.hidden[span.end] > self.hidden[span.start]

    def marks(self, offset: int) -> bool:
        """Whether the byte at `offset` is part of a row that was asked for."""
        return offset < len(self.marked) and self.marked[offset]


def _is_header(owner: int | None, ordered: Sequence[Span]) -> bool:
    return owner is not None and ordered[owner].path[-1] in HEADERS


def _owners(size: int, ordered: Sequence[Span]) -> list[int | None]:
    """The innermost field of each byte; `ordered` has outer spans before inner ones."""
    owners: list[int | None] = [None] * size
    for number, span in enumerate(ordered):
        owners[span.start : span.end] = [number] * (span.end - span.start)
    return owners


def _pieces(raw: bytes, owners: Sequence[int | None], looks: _Looks) -> tuple[Piece, ...]:
    def kind(offset: int) -> tuple[bool, int | None, bool]:
        hidden = looks.hides(offset)
        return hidden, None if hidden else owners[offset], looks.marks(offset) and not hidden

    pieces = []
    for (hidden, owner, marked), group in groupby(range(len(raw)), kind):
        offsets = list(group)
        text = "" if hidden else raw[offsets[0] : offsets[-1] + 1].hex(" ")
        pieces.append(Piece(owner, text, len(offsets), hidden, marked))
    return tuple(pieces)


def _field(number: int, span: Span, looks: _Looks) -> Field:
    name = span.path[-1] if span.path else "APDU"
    path = ".".join(span.path[:-1])
    told = "" if looks.cuts(span) else meaning(span.value)
    return Field(number, span.start, span.end, name, path, min(5, len(span.path) - 1), told, looks.marks(span.start))
