"""Header compression of 6LoWPAN (RFC 6282): an IPv6 header in a few octets.

Context 0 is the mesh's prefix. Addresses of the mesh keep their 8-byte interface identifier, so that a packet is
compressed alike on every hop; link-local ones follow from the frame.
"""

from __future__ import annotations

import struct
from typing import Final

from openami.model.errors import DecodeError
from openami.protocols.mesh.address import LINK_LOCAL, identifier_of
from openami.protocols.mesh.ipv6 import HEADER_SIZE, HOP_BY_HOP, ROUTING, UDP, UDP_SIZE
from openami.protocols.wire.cursor import Cursor

DISPATCH: Final = 0b011 << 5
DISPATCH_MASK: Final = 0b111 << 5
UNCOMPRESSED: Final = 0x41
_HEAD: Final = struct.Struct(">IHBB16s16s")
_HOP_LIMITS: Final = {1: 1, 64: 2, 255: 3}
_HOP_LIMIT_OF: Final = (0, 1, 64, 255)
_EXTENSIONS: Final = {HOP_BY_HOP: 0xE0, ROUTING: 0xE2}
_EXTENSION_OF: Final = {0: HOP_BY_HOP, 1: ROUTING}
_EXTENSION_TAG, _EXTENSION_MASK = 0xE0, 0xF0
_UDP_TAG, _UDP_MASK, _CHECKSUM_ELIDED = 0xF0, 0xF8, 0x04
_EXTENSIONS_MAX: Final = 2
_EXTENSION_SIZE_MAX: Final = 256
_NEXT: Final = 0x04
_FOLLOWED: Final = 0x01
_INLINE_IDENTIFIER, _ELIDED = 1, 3
_STATEFUL: Final = 4
_SHORT: Final = bytes.fromhex("000000fffe00")
_PORTS_8, _PORTS_4 = 0xF000, 0xF0B0


def compress(packet: bytes, source: bytes, destination: bytes, prefix: bytes) -> tuple[bytes, int]:
    """The compressed headers of an IPv6 packet and how many of its octets they stand for.

    `source` and `destination` are the EUI-64s of the frame, `prefix` the 8 bytes of context 0.
    """
    first, _, following, hop_limit, from_, to = _HEAD.unpack_from(packet)
    out = bytearray(2)
    high, low = DISPATCH, 0
    if first == 6 << 28:
        high |= 0b11 << 3
    else:
        traffic, flow = first >> 20 & 0xFF, first & 0xFFFFF
        out += ((traffic & 3) << 30 | traffic >> 2 << 24 | flow).to_bytes(4, "big")
    if _compressible(packet, following, HEADER_SIZE, 0):
        high |= _NEXT
    else:
        out.append(following)
    if hop_limit in _HOP_LIMITS:
        high |= _HOP_LIMITS[hop_limit]
    else:
        out.append(hop_limit)
    low |= _put_address(from_, source, prefix, out) << 4
    low |= _put_multicast(to, out) if to[0] == 0xFF else _put_address(to, destination, prefix, out)
    out[0], out[1] = high, low
    return _compress_following(packet, following, out)


def _compress_following(packet: bytes, following: int, out: bytearray) -> tuple[bytes, int]:
    at, count = HEADER_SIZE, 0
    while following != UDP and _compressible(packet, following, at, count):
        size = 8 * (packet[at + 1] + 1)
        tag, following = _EXTENSIONS[following], packet[at]
        count += 1
        if _compressible(packet, following, at + size, count):
            out.append(tag | _FOLLOWED)
        else:
            out += bytes((tag, following))
        out.append(size - 2)
        out += packet[at + 2 : at + size]
        at += size
    if following == UDP and _compressible(packet, following, at, count):
        _put_ports(packet, at, out)
        at += UDP_SIZE
    return bytes(out), at


def _compressible(packet: bytes, kind: int, at: int, before: int) -> bool:
    """Whether the header of `kind` at `at`, with so many extension headers `before`, can be left out and put back."""
    left = len(packet) - at
    if kind == UDP:
        return left >= UDP_SIZE and int.from_bytes(packet[at + 4 : at + 6], "big") == left
    if kind not in _EXTENSIONS or before >= _EXTENSIONS_MAX or left < 8:
        return False
    size = 8 * (packet[at + 1] + 1)
    return size <= min(left, _EXTENSION_SIZE_MAX)


def _put_address(address: bytes, eui64: bytes, prefix: bytes, out: bytearray) -> int:
    """Append what of `address` has to be sent; the address mode with its stateful bit."""
    if address.startswith(LINK_LOCAL):
        if address[8:] == identifier_of(eui64):
            return _ELIDED
        out += address[8:]
        return _INLINE_IDENTIFIER
    if address.startswith(prefix):
        out += address[8:]
        return _STATEFUL | _INLINE_IDENTIFIER
    if not any(address):
        return _STATEFUL
    out += address
    return 0


def _put_multicast(address: bytes, out: bytearray) -> int:
    if address[1] == 2 and not any(address[2:15]):
        out.append(address[15])
        return 8 | 3
    out += address
    return 8


def _put_ports(packet: bytes, at: int, out: bytearray) -> None:
    source, destination = int.from_bytes(packet[at : at + 2], "big"), int.from_bytes(packet[at + 2 : at + 4], "big")
    if source & 0xFFF0 == destination & 0xFFF0 == _PORTS_4:
        out += bytes((_UDP_TAG | 3, (source & 15) << 4 | destination & 15))
    elif destination & 0xFF00 == _PORTS_8:
        out += bytes((_UDP_TAG | 1, *packet[at : at + 2], destination & 0xFF))
    elif source & 0xFF00 == _PORTS_8:
        out += bytes((_UDP_TAG | 2, source & 0xFF, *packet[at + 2 : at + 4]))
    else:
        out.append(_UDP_TAG)
        out += packet[at : at + 4]
    out += packet[at + 6 : at + 8]


def decompress(data: bytes, source: bytes, destination: bytes, prefix: bytes, size: int | None = None) -> bytes:
    """The IPv6 packet in a frame's payload, or its first piece if the whole packet has `size` octets.

    `source` and `destination` are the addresses of the frame. Raises `DecodeError`.
    """
    cursor = Cursor(data)
    if cursor.peek() == UNCOMPRESSED:
        cursor.u8()
        return cursor.take_rest()
    high, low = cursor.u8(), cursor.u8()
    if high & DISPATCH_MASK != DISPATCH:
        raise DecodeError(f"dispatch {high:#04x} is not understood", 0)
    if low & 0x80 and cursor.u8():
        raise DecodeError("only context 0 is known", 2)
    first = 6 << 28 | _traffic(cursor, high >> 3 & 3)
    following = None if high & _NEXT else cursor.u8()
    hop_limit = _HOP_LIMIT_OF[high & 3] or cursor.u8()
    from_ = _address(cursor, low >> 4 & 7, source, prefix)
    to = _multicast(cursor, low & 7) if low & 8 else _address(cursor, low & 7, destination, prefix, unspecified=False)
    following, headers = _headers(cursor, following)
    rest = cursor.data[cursor.position :]
    content = size - HEADER_SIZE if size is not None else sum(map(len, headers)) + len(rest)
    if headers and len(headers[-1]) == UDP_SIZE and _udp_last(following, headers):
        length = content - sum(map(len, headers[:-1]))
        if not UDP_SIZE <= length <= 0xFFFF:
            raise DecodeError("the packet is shorter than its headers", 0)
        headers[-1] = headers[-1][:4] + length.to_bytes(2, "big") + headers[-1][6:]
    if not 0 <= content <= 0xFFFF:
        raise DecodeError(f"a packet of {content} octets after its header", 0)
    return b"".join((_HEAD.pack(first, content, following, hop_limit, from_, to), *headers, rest))


def _udp_last(following: int, headers: list[bytes]) -> bool:
    return (headers[-2][0] if len(headers) > 1 else following) == UDP


def _traffic(cursor: Cursor, mode: int) -> int:
    """Traffic class and flow label as they stand in an IPv6 header."""
    if mode == 3:
        return 0
    if mode == 2:
        value = cursor.u8()
        return ((value & 0x3F) << 2 | value >> 6) << 20
    if mode == 1:
        value = cursor.unsigned(3)
        return (value >> 22) << 20 | value & 0xFFFFF
    value = cursor.unsigned(4)
    return ((value >> 24 & 0x3F) << 2 | value >> 30) << 20 | value & 0xFFFFF


def _address(cursor: Cursor, mode: int, link: bytes, prefix: bytes, *, unspecified: bool = True) -> bytes:
    if mode == _STATEFUL:
        if not unspecified:
            raise cursor.error("destination address mode 4 is reserved", back=1)
        return bytes(16)
    if mode == 0:
        return cursor.take(16)
    network = prefix if mode & _STATEFUL else LINK_LOCAL
    match mode & 3:
        case 1:
            return network + cursor.take(8)
        case 2:
            return network + _SHORT + cursor.take(2)
    if len(link) == 8:
        return network + identifier_of(link)
    if len(link) == 2:
        return network + _SHORT + link
    raise cursor.error("an address is left out, but the frame has none")


def _multicast(cursor: Cursor, mode: int) -> bytes:
    match mode:
        case 0:
            return cursor.take(16)
        case 1:
            return b"\xff" + cursor.take(1) + bytes(9) + cursor.take(5)
        case 2:
            return b"\xff" + cursor.take(1) + bytes(11) + cursor.take(3)
        case 3:
            return b"\xff\x02" + bytes(13) + cursor.take(1)
    raise cursor.error(f"multicast address mode {mode} is not understood", back=1)


def _headers(cursor: Cursor, following: int | None) -> tuple[int, list[bytes]]:
    """What follows the IPv6 header, and the compressed headers in full; a UDP length is left 0."""
    kinds: list[int] = []
    headers: list[bytes] = []
    while following is None:
        tag = cursor.u8()
        if tag & _UDP_MASK == _UDP_TAG:
            kinds.append(UDP)
            headers.append(_udp(cursor, tag))
            break
        kind = _EXTENSION_OF.get(tag >> 1 & 7) if tag & _EXTENSION_MASK == _EXTENSION_TAG else None
        if kind is None or len(headers) >= _EXTENSIONS_MAX:
            raise cursor.error(f"next header {tag:#04x} is not understood", back=1)
        kinds.append(kind)
        following = None if tag & _FOLLOWED else cursor.u8()
        headers.append(_extension(cursor, kind))
    if not kinds:
        assert following is not None
        return following, headers
    chain = [*kinds[1:], *([] if following is None else [following])]
    for at, kind in enumerate(chain):
        headers[at] = bytes((kind,)) + headers[at][1:]
    return kinds[0], headers


def _extension(cursor: Cursor, kind: int) -> bytes:
    """An extension header whose first octet is still 0; padding that was left out is put back."""
    content = cursor.take(cursor.u8())
    missing = -(len(content) + 2) % 8
    if missing and kind != HOP_BY_HOP:
        raise cursor.error(f"a header of {len(content) + 2} octets is no multiple of 8")
    padding = b"\x00" if missing == 1 else bytes((1, missing - 2)) + bytes(missing - 2) if missing else b""
    size = len(content) + 2 + missing
    if size > 256 * 8 or size < 8:
        raise cursor.error(f"a header of {size} octets")
    return bytes((0, size // 8 - 1)) + content + padding


def _udp(cursor: Cursor, tag: int) -> bytes:
    if tag & _CHECKSUM_ELIDED:
        raise cursor.error("a datagram without checksum", back=1)
    match tag & 3:
        case 0:
            ports = cursor.take(4)
        case 1:
            ports = cursor.take(2) + b"\xf0" + cursor.take(1)
        case 2:
            ports = b"\xf0" + cursor.take(1) + cursor.take(2)
        case _:
            value = cursor.u8()
            ports = bytes((0xF0, 0xB0 | value >> 4, 0xF0, 0xB0 | value & 15))
    return ports + b"\x00\x00" + cursor.take(2)
