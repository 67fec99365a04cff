"""Many captures as one table: a line for each value, with where it stood and how far it is to be trusted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import typer

from openami.cli.capture_files import Piece, capture_files, pieces
from openami.cli.output import print_error, print_json, print_note
from openami.model.errors import DecodeError
from openami.model.measurement import Measurement
from openami.protocols.decode import MessageDecoder, Told, tell_message

COLUMNS = {
    "source": 28, "protocol": 12, "meter": 20, "name": 24, "value": 14, "unit": 6, "time": 25, "quality": 9,
    "guarantee": 15, "remark": 0,
}  # fmt: skip
"""Widths for people; longer texts push the rest of their line."""
SHOWN_BYTES = 48


def decode_table(path: Path, decoders: Sequence[MessageDecoder], protocol: str | None, *, as_json: bool) -> int:
    """Show the values of a file, or of all files below a folder, as they are read; 1 if something was unreadable.

    What cannot be read is told with its reason and, with `as_json`, all its bytes.
    """
    messages = values = unreadable = 0
    if not as_json:
        _show({column: column.capitalize() for column in COLUMNS})
    for source, piece in _sources(path):
        try:
            told = _told(piece, decoders, protocol)
        except DecodeError as error:
            unreadable += 1
            _show_unreadable(source, piece, str(error), as_json=as_json)
            continue
        messages += 1
        for row in rows(source, told):
            values += 1
            print_json(row) if as_json else _show(row)
        if told.problem:
            _show_problem(source, told, piece, as_json=as_json)
    print_note(f"{messages} messages, {values} values, {unreadable} unreadable")
    return 1 if unreadable else 0


def rows(source: str, told: Told) -> Iterator[dict[str, Any]]:
    """A line of the table for each value; JSON-ready."""
    for value in told.values:
        yield {"source": source, "protocol": told.protocol, "meter": told.meter, **_plain(value)}


def _plain(value: Measurement) -> dict[str, Any]:
    return {"quality": value.quality.name.lower(), **value.plain()}


def _told(piece: Piece, decoders: Sequence[MessageDecoder], protocol: str | None) -> Told:
    if piece.reason:
        raise DecodeError(piece.reason, 0)
    return tell_message(piece.data, decoders, protocol)


def _sources(path: Path) -> Iterator[tuple[str, Piece]]:
    files: Iterable[Path] = capture_files(path) if path.is_dir() else (path,)
    for file in files:
        name = str(file.relative_to(path)) if path.is_dir() else file.name
        for piece in _pieces(file):
            yield f"{name}, {piece.place}", piece


def _pieces(file: Path) -> Iterator[Piece]:
    try:
        yield from pieces(file)
    except OSError as error:
        yield Piece("unread", b"", error.strerror or str(error))


def _show(row: dict[str, Any]) -> None:
    cells = (str("" if row.get(column) is None else row[column]).ljust(width) for column, width in COLUMNS.items())
    typer.echo(" ".join(cells).rstrip())


def _show_unreadable(source: str, piece: Piece, reason: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"source": source, "error": reason, "bytes": piece.data.hex()})
        return
    more = f"… ({len(piece.data)} bytes)" if len(piece.data) > SHOWN_BYTES else ""
    print_error(f"{source}: {reason}: {piece.data[:SHOWN_BYTES].hex()}{more}")


def _show_problem(source: str, told: Told, piece: Piece, *, as_json: bool) -> None:
    if as_json:
        said = {"source": source, "protocol": told.protocol, "meter": told.meter, "problem": told.problem}
        print_json(said if told.values else {**said, "bytes": piece.data.hex()})
    else:
        print_note(f"{source}: {told.problem}")
