"""Formats of compact wireless telegrams in a file: what full telegrams taught once opens compact ones later."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from openami.model.errors import DecodeError, SettingError
from openami.protocols.mbus.wireless.drivers.catalogue import Drivers, own_drivers
from openami.protocols.mbus.wireless.formats import FormatStore

FormatsOption = Annotated[
    Path | None,
    typer.Option(
        "--formats",
        help="A file of formats of compact wM-Bus telegrams: read if it is there, and what is learned is added.",
    ),
]


@contextmanager
def formats_in(file: Path | None) -> Iterator[FormatStore]:
    """The formats of the drivers and of `file`, one a line as the headers of its records in hexadecimal.

    What is new at the end is written to the file, as a whole or not at all. Raises `SettingError` for a file that
    holds anything else.
    """
    known = [] if file is None or not file.exists() else _read(file)
    store = FormatStore([*Drivers(own_drivers()).formats, *known])
    before = set(store.known())
    try:
        yield store
    finally:
        learned = [headers for headers in store.known() if headers not in before]
        if file is not None and learned:
            _write(file, [*known, *learned])


def _read(file: Path) -> list[bytes]:
    found = []
    for number, line in enumerate(file.read_text("ascii", "replace").splitlines(), 1):
        text = line.partition("#")[0].strip()
        try:
            headers = bytes.fromhex(text)
            FormatStore([headers] if headers else [])
        except (ValueError, DecodeError) as error:
            raise SettingError(f"--formats {file}, line {number}: no headers of records: {error}") from error
        found += [headers] if headers else []
    return found


def _write(file: Path, formats: list[bytes]) -> None:
    new = file.with_name(file.name + ".new")
    new.write_text("".join(f"{headers.hex()}\n" for headers in formats), "ascii")
    new.replace(file)
