"""Data sets, `address(value*unit)(value)…`: what read-outs, answers and P1 telegrams are made of."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from openami.model.errors import DecodeError, LimitExceeded, LocalProtocolError

TEXT_MAX: Final = 1 << 16
_VALUE: Final = re.compile(r"([^()\r\n]*)\(([^()\r\n]*)\)")


class DataSet(NamedTuple):
    """One address and what stands in its brackets, units included; the address may be empty."""

    address: str
    values: tuple[str, ...]


def decode_data_sets(text: str) -> list[DataSet]:
    """All data sets of a block, lines joined; raises `DecodeError` for anything between them."""
    if len(text) > TEXT_MAX:
        raise LimitExceeded(f"{len(text)} characters of data, limit {TEXT_MAX}", TEXT_MAX)
    found = _VALUE.findall(text)
    size = text.count("\r") + text.count("\n")
    sets: list[DataSet] = []
    for address, value in found:
        size += len(address) + len(value) + 2
        if address or not sets:
            sets.append(DataSet(address, (value,)))
        else:
            sets[-1] = DataSet(sets[-1].address, (*sets[-1].values, value))
    if size != len(text):
        raise _stray(text)
    return sets


def _stray(text: str) -> DecodeError:
    position = 0
    for match in _VALUE.finditer(text):
        if text[position : match.start()].strip("\r\n"):
            break
        position = match.end()
    while text[position : position + 1] in {"\r", "\n"}:
        position += 1
    return DecodeError(f"no data set begins with {text[position : position + 12]!r}", position)


def encode_data_sets(sets: Iterable[DataSet]) -> str:
    """One data set a line, as meters write them."""
    return "".join(f"{encode_data_set(each)}\r\n" for each in sets)


def encode_data_set(data_set: DataSet) -> str:
    """`address(value)…`; `LocalProtocolError` for characters that would end it."""
    for part in (data_set.address, *data_set.values):
        if any(character in "()\r\n!\x02\x03" for character in part) or not part.isascii():
            raise LocalProtocolError(f"{part!r} cannot stand in a data set")
    return data_set.address + "".join(f"({value})" for value in data_set.values)
