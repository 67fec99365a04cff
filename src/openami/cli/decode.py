"""`openami decode`: what bytes say."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from openami.cli.decode_table import decode_table
from openami.cli.explained import show_decoded
from openami.cli.format_file import FormatsOption, formats_in
from openami.cli.hexadecimal import octets
from openami.cli.output import JsonOption, print_error, print_json
from openami.model.errors import DecodeError, SettingError
from openami.protocols.decode import MessageDecoder, decode_message
from openami.protocols.dlms.telegram import DlmsDecoder
from openami.protocols.iec62056_21.telegram import iec62056_21_decoders
from openami.protocols.mbus.telegram import wired_decoders
from openami.protocols.mbus.wireless.formats import FormatStore
from openami.protocols.mbus.wireless.telegram import WirelessDecoder
from openami.protocols.sml.telegram import sml_decoders

LINE_MAX = 1 << 22

KeyOption = Annotated[
    list[str] | None,
    typer.Option("--key", "-k", help="A key in hexadecimal; repeat for encryption and authentication key."),
]
SystemTitleOption = Annotated[
    list[str] | None,
    typer.Option("--system-title", "-t", help="A sender's system title in hexadecimal, where no message shows it."),
]


def decode(
    *,
    message: Annotated[
        str | None,
        typer.Argument(
            metavar="[HEX|CAPTURES]",
            help="One message in hexadecimal, or a file or folder of captures; `-` or nothing reads stdin.",
        ),
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="Read messages from a file, one in hexadecimal a line.")
    ] = None,
    key: KeyOption = None,
    system_title: SystemTitleOption = None,
    protocol: Annotated[
        str | None,
        typer.Option("--as", help="Take the bytes as sml, p1, iec62056-21, mbus, wmbus, hdlc, wrapper, apdu, data…"),
    ] = None,
    unverified: Annotated[
        bool,
        typer.Option(
            "--unverified", help="Decipher DLMS without the authentication key; what it says is not verified."
        ),
    ] = False,
    table: Annotated[
        bool, typer.Option("--table", help="Show the values of --file as one table, as those of captures are shown.")
    ] = False,
    formats: FormatsOption = None,
    as_json: JsonOption = False,
) -> int:
    """Say what each byte of a message means.

    The protocol is detected, or taken from `--as`, which raw A-XDR data needs. Ciphered messages are opened when their
    keys are given. A line that cannot be decoded is reported, the others are decoded, and the exit status is 1.

    Of a file or a folder, the values of all captures become one table: lines of hexadecimal or of radio receivers,
    texts of consumer ports and read-outs, bytes as a port gave them, all mixed.
    """
    with formats_in(formats) as known:
        keys, titles = octets_of("--key", key), octets_of("--system-title", system_title)
        decoders = all_decoders(keys, titles, known, unverified=unverified)
        captures = _captures(message, file, table=table)
        if captures is not None:
            return decode_table(captures, decoders, protocol, as_json=as_json)
        return _explain(_lines(message, file), decoders, protocol, as_json=as_json)


def all_decoders(
    keys: list[bytes], titles: list[bytes], formats: FormatStore, *, unverified: bool
) -> tuple[MessageDecoder, ...]:
    """Every protocol, in the order in which detection should ask."""
    decoder = DlmsDecoder(keys, titles, unverified=unverified)
    texts = (*sml_decoders(), *iec62056_21_decoders(keys))
    wireless = WirelessDecoder(keys, formats=formats)
    return (*texts, *wired_decoders(keys), *wireless.decoders(), *decoder.decoders())


def _explain(lines: Iterator[str], decoders: tuple[MessageDecoder, ...], protocol: str | None, *, as_json: bool) -> int:
    failed, number = False, 0
    for number, line in enumerate(lines, 1):
        try:
            decoded = decode_message(_bytes(line), decoders, protocol)
        except DecodeError as error:
            failed = True
            _fail(number, error, as_json=as_json)
            continue
        if as_json:
            print_json(decoded.plain())
        else:
            show_decoded(decoded)
    if not number:
        raise SettingError("nothing to decode: give a message, --file, or lines of hexadecimal on standard input")
    return 1 if failed else 0


def _captures(message: str | None, file: Path | None, *, table: bool) -> Path | None:
    """The file or folder that is to be a table."""
    if message not in {None, "-"} and _is_there(Path(str(message))):
        if file is not None:
            raise SettingError("give captures or --file, not both")
        return Path(str(message))
    if table and file is None:
        raise SettingError("--table needs captures or --file")
    return file if table else None


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a long message in hexadecimal is no name of a file
        return False


def octets_of(option: str, values: list[str] | None) -> list[bytes]:
    """Hexadecimal options as bytes; raises `SettingError` that names the option."""
    return [octets(option, value) for value in values or ()]


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


def _read(source: BinaryIO) -> Iterator[str]:
    while line := source.readline(LINE_MAX):
        text = line.decode("latin-1").split("#")[0].strip()
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
