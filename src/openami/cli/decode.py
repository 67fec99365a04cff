"""`openami decode`: what bytes say."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from openami.cli.output import JsonOption, console, print_error, print_json
from openami.model.errors import DecodeError, SettingError
from openami.protocols.decode import Decoded, decode_message
from openami.protocols.dlms.meaning import meaning
from openami.protocols.dlms.telegram import DlmsDecoder
from openami.protocols.wire.cursor import Span

LINE_MAX = 1 << 22


def decode(
    *,
    message: Annotated[
        str | None, typer.Argument(metavar="[HEX]", help="One message in hexadecimal; `-` or nothing reads stdin.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="Read messages from a file, one in hexadecimal a line.")
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option("--key", "-k", help="A key in hexadecimal; repeat for encryption and authentication key."),
    ] = None,
    system_title: Annotated[
        list[str] | None,
        typer.Option("--system-title", "-t", help="A sender's system title in hexadecimal, where no message shows it."),
    ] = None,
    protocol: Annotated[
        str | None,
        typer.Option("--as", help="Take the bytes as hdlc, wrapper, llc, apdu or data instead of detecting it."),
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Say what each byte of a message means.

    The protocol is detected, or taken from `--as`, which raw A-XDR data needs. Ciphered messages are opened when their
    keys are given. A line that cannot be decoded is reported, the others are decoded, and the exit status is 1.
    """
    decoder = DlmsDecoder(_octets("--key", key), _octets("--system-title", system_title))
    failed = False
    for number, line in enumerate(_lines(message, file), 1):
        try:
            decoded = decode_message(_bytes(line), decoder.decoders(), protocol)
        except DecodeError as error:
            failed = True
            _fail(number, error, as_json=as_json)
            continue
        if as_json:
            print_json(decoded.plain())
        else:
            _show(decoded)
    return 1 if failed else 0


def _octets(option: str, values: list[str] | None) -> list[bytes]:
    try:
        return [bytes.fromhex(value) for value in values or ()]
    except ValueError as error:
        raise SettingError(f"{option} is not hexadecimal: {error}") from error


def _lines(message: str | None, file: Path | None) -> Iterator[str]:
    if message not in {None, "-"}:
        if file is not None:
            raise SettingError("give a message or --file, not both")
        yield str(message)
        return
    if file is None:
        yield from _read(sys.stdin.buffer)
        return
    with file.open("rb") as source:
        yield from _read(source)


def _read(source: object) -> Iterator[str]:
    while line := source.readline(LINE_MAX):  # type: ignore[attr-defined]
        text = line.decode("ascii", errors="backslashreplace").split("#")[0].strip()
        if text:
            yield text


def _bytes(text: str) -> bytes:
    compact = "".join(text.replace(":", " ").split())
    compact = compact[2:] if compact[:2].lower() == "0x" else compact
    for offset, digit in enumerate(compact):
        if digit not in "0123456789abcdefABCDEF":
            raise DecodeError(f"{digit!r} is no hexadecimal digit", offset // 2)
    if len(compact) % 2:
        raise DecodeError("an odd number of hexadecimal digits", len(compact) // 2)
    return bytes.fromhex(compact)


def _fail(number: int, error: DecodeError, *, as_json: bool) -> None:
    if as_json:
        where = ".".join(error.path)
        print_json({"error": str(error), "line": number, "offset": error.offset, "path": where})
    else:
        print_error(f"line {number}: {error}")


def _show(decoded: Decoded, level: int = 0) -> None:
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
        _show(inner, level + 1)


def _leaves(spans: tuple[Span, ...]) -> list[Span]:
    outer = {span.path[:length] for span in spans for length in range(len(span.path))}
    return sorted((span for span in spans if span.path not in outer), key=lambda span: span.start)
