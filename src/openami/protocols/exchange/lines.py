"""Text files as a stream of lines, whatever size they have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from openami.protocols.exchange.delivery import LINE_MAX, Rejected

BOM = b"\xef\xbb\xbf"
UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def lines(chunks: Iterable[bytes]) -> Iterator[tuple[int, str] | Rejected]:
    """Each line with its number, counted from 1, without its end. A line that is too long or no UTF-8 is rejected.

    Memory holds one line and one chunk. A file of UTF-16 is rejected as such at its first line.
    """
    for count, raw in enumerate(_split(chunks), 1):
        line = raw.removeprefix(BOM) if count == 1 else raw
        if count == 1 and line.startswith(UTF_16):
            yield Rejected(1, "the file is UTF-16; write it as UTF-8")
            return
        if len(line) > LINE_MAX:
            yield Rejected(count, f"the line is longer than {LINE_MAX} bytes")
            continue
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError as error:
            yield Rejected(count, f"byte {error.start + 1} of the line is not UTF-8; write the file as UTF-8")
            continue
        if "\0" in text:
            yield Rejected(count, "the line holds a zero byte: this is no text")
            continue
        if text.strip():
            yield count, text


def _split(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Lines without their ends. Of a line that is too long only so much is kept as shows that."""
    held = b""
    for chunk in chunks:
        parts = chunk.split(b"\n")
        held = _bounded(held, parts[0])
        for part in parts[1:]:
            yield held.removesuffix(b"\r")
            held = _bounded(b"", part)
    if held:
        yield held.removesuffix(b"\r")


def _bounded(held: bytes, more: bytes) -> bytes:
    return held if len(held) > LINE_MAX else held + more[: LINE_MAX + 2 - len(held)]
