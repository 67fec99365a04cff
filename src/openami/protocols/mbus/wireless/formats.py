"""Compact frames: a signature stands for the headers of the records, which were sent once in full or as a format.

Facts (from captured telegrams, checked by their own checksums): the signature is the CRC of all DIF and VIF bytes of
the full telegram one after another; behind it a compact telegram has the CRC of the full telegram's records and then
the data without headers.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from openami.model.errors import DecodeError, FrameCheckError
from openami.protocols.mbus.layout import RecordLayout
from openami.protocols.mbus.plan import Plan
from openami.protocols.mbus.records import Records, decode_compact, decode_headers, decode_records
from openami.protocols.mbus.wireless.crc import crc16_en13757

FORMATS_MAX = 4096


class UnknownFormat(DecodeError):
    """A compact telegram whose format signature has not been learned; the bytes are kept by whoever received them."""

    def __init__(self, signature: int) -> None:
        super().__init__(f"unknown format signature {signature:04X}: its full telegram was not seen yet", 0)
        self.signature = signature


def signature_of(headers: bytes) -> int:
    """The format signature of the records' headers, one behind the other."""
    return crc16_en13757(headers)


@dataclass(frozen=True, slots=True)
class Compact:
    """A compact telegram's own fields."""

    signature: int
    full_check: int
    data: bytes


def decode_compact_header(content: bytes) -> Compact:
    """Read what follows a compact CI field (and its header)."""
    if len(content) < 4:
        raise DecodeError(f"a compact telegram begins with 4 bytes of checksums, {len(content)} came", 0, ("compact",))
    read = int.from_bytes
    return Compact(read(content[:2], "little"), read(content[2:4], "little"), content[4:])


def encode_compact(content: bytes) -> bytes:
    """The compact form of the records `content`; raises `DecodeError` if they are no records."""
    records = decode_records(content)
    data = b"".join(content[record.start + len(record.layout.header) : record.end] for record in records)
    signature, check = signature_of(records.headers), crc16_en13757(content)
    return signature.to_bytes(2, "little") + check.to_bytes(2, "little") + data


def encode_format(content: bytes) -> bytes:
    """What follows the CI field of a format telegram: length, signature and headers of the records `content`."""
    headers = decode_records(content).headers
    return bytes((len(headers) + 2,)) + signature_of(headers).to_bytes(2, "little") + headers


class FormatStore:
    """Formats by signature, learned from full and format telegrams; bounded, the one unused longest is forgotten."""

    def __init__(self, known: Iterable[bytes] = (), *, formats_max: int = FORMATS_MAX) -> None:
        self._formats: OrderedDict[int, tuple[RecordLayout, ...]] = OrderedDict()
        self._signatures: dict[bytes, int] = {}
        self._learned: dict[Plan, int] = {}
        self._formats_max = formats_max
        for headers in known:
            self._keep(signature_of(headers), decode_headers(headers))

    def __len__(self) -> int:
        return len(self._formats)

    def known(self) -> list[bytes]:
        """The headers of each format, the one used last at the end: what another store is made of."""
        return [b"".join(layout.header for layout in layouts) for layouts in self._formats.values()]

    def learn(self, records: Records) -> None:
        """Learn from a full telegram."""
        if records.manufacturer_data or not records.records:
            return
        plan = records.plan
        if plan is not None and self._learned.get(plan) in self._formats:
            return
        headers = records.headers
        known = self._signatures.get(headers)
        if known is not None and known in self._formats:
            self._formats.move_to_end(known)
            if plan is not None:
                self._note(plan, known)
            return
        signature = self._signatures[headers] = signature_of(headers)
        if len(self._signatures) > 2 * self._formats_max:
            self._signatures = {headers: signature}
        if plan is not None:
            self._note(plan, signature)
        self._keep(signature, tuple(record.layout for record in records))

    def learn_format(self, content: bytes) -> int:
        """Learn from what follows the CI field of a format telegram; give its signature."""
        if len(content) < 3 or content[0] != len(content) - 1:
            raise DecodeError("a format telegram tells its length, a signature and headers", 0, ("format",))
        signature = int.from_bytes(content[1:3], "little")
        headers = content[3:]
        if signature_of(headers) != signature:
            raise FrameCheckError(f"the headers do not have the signature {signature:04X}", 1, ("format", "signature"))
        self._keep(signature, decode_headers(headers))
        return signature

    def expand(self, content: bytes) -> Records:
        """The records of a compact telegram; raises `UnknownFormat`, or `FrameCheckError` if they do not check."""
        compact = decode_compact_header(content)
        layouts = self._formats.get(compact.signature)
        if layouts is None:
            raise UnknownFormat(compact.signature)
        self._formats.move_to_end(compact.signature)
        records = decode_compact(compact.data, layouts)
        full = b"".join(record.layout.header + compact.data[record.start : record.end] for record in records)
        filler = not records.manufacturer_data.strip(b"\x2f")
        if not filler or crc16_en13757(full) != compact.full_check:
            raise FrameCheckError("wrong CRC: the compact telegram does not make its full one", 2, ("compact", "CRC"))
        return records

    def _note(self, plan: Plan, signature: int) -> None:
        if len(self._learned) > self._formats_max:
            self._learned.clear()
        self._learned[plan] = signature

    def _keep(self, signature: int, layouts: tuple[RecordLayout, ...]) -> None:
        self._formats[signature] = layouts
        self._formats.move_to_end(signature)
        if len(self._formats) > self._formats_max:
            self._formats.popitem(last=False)
