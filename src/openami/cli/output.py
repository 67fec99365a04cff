"""How commands speak: tables for people, one JSON object a line for programs, errors in one form."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object a line instead of tables.")]

PIPE_WIDTH = 200
"""Tables that go to a file or a pipe are not folded to the 80 columns of a terminal that is not there."""

console = Console(width=None if sys.stdout.isatty() else PIPE_WIDTH)
errors = Console(stderr=True, highlight=False)


def print_json(value: object) -> None:
    """One JSON object on one line."""
    typer.echo(json.dumps(value, ensure_ascii=False))


def print_error(message: str) -> None:
    """One line on standard error that starts with `error:`."""
    errors.print(f"[bold red]error:[/] {escape(message)}", soft_wrap=True)


def print_note(message: str) -> None:
    """What is going on, for people: on standard error, so that results stay apart."""
    errors.print(escape(message), style="dim", soft_wrap=True)


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table with a title; cells are shown as text."""
    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(escape(_cell(cell)) for cell in row))
    console.print(table)


def print_rows(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, as_json: bool) -> None:
    """The same rows as a table, or as JSON objects whose keys are the column names."""
    if not as_json:
        print_table(title, columns, rows)
        return
    keys = [column.lower().replace(" ", "_") for column in columns]
    for row in rows:
        print_json(dict(zip(keys, (_plain(cell) for cell in row), strict=True)))


def print_facts(facts: Mapping[str, object], *, as_json: bool) -> None:
    """What a program tells of itself as it starts: a line each, never cut; or one JSON object."""
    if as_json:
        print_json(facts)
        return
    width = max(map(len, facts)) + 2
    for name, value in facts.items():
        text = f"[bold]{name.replace('_', ' '):{width}}[/]{escape(str(value))}"
        console.print(text, highlight=False, soft_wrap=True)


def _cell(value: object) -> str:
    return "" if value is None else str(value)


def _plain(value: object) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str | list | dict) else str(value)
