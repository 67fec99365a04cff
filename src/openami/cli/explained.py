"""Decoded messages for people: bytes on the left, fields and meanings on the right."""

from __future__ import annotations

from rich.markup import escape

from openami.cli.output import console
from openami.protocols.decode import Decoded
from openami.protocols.dlms.meaning import meaning
from openami.protocols.wire.cursor import Span


def show_decoded(decoded: Decoded, level: int = 0) -> None:
    """Every byte with its field and meaning, then what the message carries, indented."""
    indent = "  " * level
    console.print(f"{indent}[bold]{escape(decoded.protocol)} · {escape(decoded.kind)}[/]", highlight=False)
    for span in _leaves(decoded.spans):
        raw = decoded.data[span.start : span.end].hex(" ")
        shown = raw if len(raw) <= 47 else raw[:44] + "…"
        path = ".".join(span.path[1:]) or span.path[0]
        console.print(
            f"{indent}  [dim]{span.start:5d}[/]  {shown:48}[cyan]{escape(path)}[/]  {escape(meaning(span.value))}",
            highlight=False,
            soft_wrap=True,
        )
    if decoded.problem:
        console.print(f"{indent}  [yellow]{escape(decoded.problem)}[/]", highlight=False)
    for inner in decoded.inner:
        show_decoded(inner, level + 1)


def _leaves(spans: tuple[Span, ...]) -> list[Span]:
    outer = {span.path[:length] for span in spans for length in range(len(span.path))}
    return sorted((span for span in spans if span.path not in outer), key=lambda span: span.start)
