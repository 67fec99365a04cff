"""Addresses: an EUI-64 names a station on the link, an IPv6 address made from it names it in the mesh.

The interface identifier is the EUI-64 with its universal/local bit inverted (RFC 4291, appendix A).
"""

from __future__ import annotations

from typing import Final

LINK_LOCAL: Final = bytes.fromhex("fe80000000000000")
ALL_RPL_NODES: Final = bytes.fromhex("ff02000000000000000000000000001a")
_LOCAL_BIT: Final = 0x02
_MULTICAST: Final = 0xFF


def identifier_of(eui64: bytes) -> bytes:
    """The 8-byte interface identifier of an EUI-64; the same function leads back."""
    return bytes((eui64[0] ^ _LOCAL_BIT,)) + eui64[1:]


def address_of(eui64: bytes, prefix: bytes) -> bytes:
    """The 16-byte IPv6 address of a station under the 8-byte `prefix`."""
    return prefix + identifier_of(eui64)


def link_local(eui64: bytes) -> bytes:
    """The station's address on the link."""
    return LINK_LOCAL + identifier_of(eui64)


def eui64_of(address: bytes) -> bytes:
    """The station that an address made by `address_of` or `link_local` names."""
    return identifier_of(address[8:])


def is_link_local(address: bytes) -> bool:
    return address.startswith(LINK_LOCAL)


def is_multicast(address: bytes) -> bool:
    return address[0] == _MULTICAST
