"""Opening what a transport or extended link layer protects, and saying in exact words why something stays closed.

A key that is wrong, a mode that is not spoken, a configuration word that lies and a counter that is missing are
different words. Nothing that fails a check is used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import NamedTuple

from openami.model.errors import DecodeError, SecurityError
from openami.model.quality import GuaranteeClass
from openami.protocols.mbus.wireless import security
from openami.protocols.mbus.wireless.address import MeterAddress
from openami.protocols.mbus.wireless.extended_link import ENCRYPTION_CTR, ExtendedLink, payload_check
from openami.protocols.mbus.wireless.tls_record import decode_tls_records
from openami.protocols.mbus.wireless.transport import Transport

COUNTER_SIZE = 4
MODE_TLS = 13
CIPHERS = frozenset((2, 3, 4, 8, 9, 10, MODE_TLS))
"""Modes whose ciphertext may come: of a hundred random texts one reads as a record with the maker's own octets behind,
so that without a MAC or filler nothing but ciphertext is believed. Telegrams that lie were heard with reserved modes.
"""
Plausible = Callable[[bytes], bool]
"""Whether bytes read as records from front to back: how a configuration word is found to lie."""


class Protection(Enum):
    """What became of the content."""

    NONE = "none"
    LIES = "plain although the telegram says encrypted"
    DECRYPTED = "decrypted, without authentication"
    VERIFIED = "decrypted and verified"
    CLOSED = "closed"


class Opened(NamedTuple):
    """`content` was protected as `protection` says; `tail` stood behind the encrypted part, in the clear."""

    protection: Protection
    content: bytes
    tail: bytes = b""
    guarantee: GuaranteeClass = GuaranteeClass.UNAUTHENTICATED
    tail_guarantee: GuaranteeClass = GuaranteeClass.UNAUTHENTICATED
    counter: int | None = None
    problem: str = ""


_UNAUTHENTICATED = GuaranteeClass.UNAUTHENTICATED
_NONE, _DECRYPTED = Protection.NONE, Protection.DECRYPTED
"""Members of enumerations take long to look up where it happens for every telegram."""


class Parties(NamedTuple):
    """Whose telegram it is: the meter, the radio that sent it, the keys to try; `downlink`: it is for the meter."""

    meter: MeterAddress
    radio: MeterAddress
    keys: Sequence[bytes]
    downlink: bool = False


def open_session(header: ExtendedLink, payload: bytes, who: Parties, plausible: Plausible) -> Opened:
    """What the extended link layer carries: its payload CRC tells right from wrong."""
    if not header.session:
        return Opened(Protection.NONE, payload)
    intact = payload_check(payload) == header.check
    if intact:
        return Opened(Protection.NONE if header.encryption == 0 else Protection.LIES, payload)
    if header.encryption == 0:
        return _closed(payload, "wrong CRC: the payload of the extended link layer is damaged")
    if header.encryption != ENCRYPTION_CTR:
        return _closed(payload, f"encryption {header.encryption} of the extended link layer is not spoken")
    return _decrypted_session(header, payload, who, plausible)


def _decrypted_session(header: ExtendedLink, payload: bytes, who: Parties, plausible: Plausible) -> Opened:
    for key in who.keys:
        plain = security.ctr(key, header.initial_counter(who.meter), header.check + payload)
        if security.same(payload_check(plain[2:]), plain[:2]):
            return Opened(Protection.DECRYPTED, plain[2:])
    if plausible(payload):
        return Opened(Protection.LIES, payload, problem="wrong CRC: the payload was changed after it was checked")
    return _closed(payload, _no_key(who, "AES-CTR of the extended link layer"))


def open_content(
    transport: Transport, payload: bytes, who: Parties, counter: int | None, plausible: Plausible, *, verified: bool
) -> Opened:
    """What stands behind the transport layer's header; `verified` says that a MAC over all of it was right."""
    mode = transport.mode
    guarantee = GuaranteeClass.AUTHENTICATED if verified else _UNAUTHENTICATED
    if mode == 0:
        return Opened(_NONE, payload, b"", guarantee, _UNAUTHENTICATED, counter)
    if payload[:2] == security.FILLER and mode != 10:
        return Opened(Protection.LIES, payload, guarantee=guarantee, counter=counter)
    if mode == 5:
        return _mode_5(transport, payload, who, plausible)
    if mode == 7:
        return _mode_7(transport, payload, who, counter, verified=verified)
    if mode == 10:
        opened = _mode_10(transport, payload, who, counter)
    elif mode == MODE_TLS:
        opened = _carried_tls(payload)
    else:
        name = security.MODE_NAMES.get(mode, "reserved")
        opened = _closed(payload, f"security mode {mode} ({name}) is recognised and not opened")
    believable = verified or mode not in CIPHERS
    if opened.protection is Protection.CLOSED and believable and plausible(payload):
        return Opened(Protection.LIES, payload, guarantee=guarantee, counter=counter)
    return opened


def _carried_tls(payload: bytes) -> Opened:
    """TLS is between the meter and whoever holds its certificates: the records are told and carried."""
    try:
        told = "; ".join(map(str, decode_tls_records(payload))) or "no record"
    except DecodeError as error:
        return _closed(payload, f"security mode 13 (TLS) is recognised and not opened: {error.reason}")
    return _closed(payload, f"security mode 13 (TLS) is recognised and not opened: {told}")


def _blocks(transport: Transport, payload: bytes) -> int:
    whole = len(payload) // security.BLOCK
    return security.BLOCK * min(transport.encrypted_blocks, whole)


def _mode_5(transport: Transport, payload: bytes, who: Parties, plausible: Plausible) -> Opened:
    size = _blocks(transport, payload)
    if size == 0:
        return Opened(Protection.NONE, payload)
    sealed, tail = payload[:size], payload[size:]
    plain = _cbc(who, who.meter, transport, sealed)
    if who.radio is who.meter or who.radio == who.meter or (plain and plausible(plain)):
        return Opened(_DECRYPTED, plain, tail) if plain else _closed(payload, _no_key(who, "mode 5"))
    # Two addresses of one maker give vectors that begin alike: the filler alone does not tell which one was meant.
    other = _cbc(who, who.radio, transport, sealed)
    if other and (not plain or plausible(other)):
        note = "the initial vector was made from the radio adapter's address, not the meter's"
        return Opened(Protection.DECRYPTED, other, tail, problem=note)
    return Opened(_DECRYPTED, plain, tail) if plain else _closed(payload, _no_key(who, "mode 5"))


def _cbc(who: Parties, vector_of: MeterAddress, transport: Transport, sealed: bytes) -> bytes:
    """What the first key opens to a filler; empty if none does."""
    vector = security.initial_vector(vector_of, transport.access_number or 0)
    for key in who.keys:
        plain = security.cbc_decrypt(key, vector, sealed)
        if plain[:2] == security.FILLER:
            return plain
    return b""


def _mode_7(transport: Transport, payload: bytes, who: Parties, counter: int | None, *, verified: bool) -> Opened:
    size = _blocks(transport, payload)
    behind = GuaranteeClass.AUTHENTICATED if verified else GuaranteeClass.UNAUTHENTICATED
    if size == 0:
        return Opened(Protection.NONE, payload, guarantee=behind, counter=counter)
    if counter is None:
        return _closed(payload, "mode 7 needs the message counter of an AFL, and there is none")
    sealed, tail = payload[:size], payload[size:]
    guarantee = GuaranteeClass.SHARED_KEYS if verified else GuaranteeClass.UNAUTHENTICATED
    for key in who.keys:
        derived = security.encryption_key(key, counter, who.meter, downlink=who.downlink)
        plain = security.cbc_decrypt(derived, bytes(security.BLOCK), sealed)
        if plain[:2] == security.FILLER:
            protection = Protection.VERIFIED if verified else Protection.DECRYPTED
            return Opened(protection, plain, tail, guarantee, behind, counter)
    return _closed(payload, _no_key(who, "mode 7"))


def _mode_10(transport: Transport, payload: bytes, who: Parties, counter: int | None) -> Opened:
    sealed = payload
    if counter is None:
        counter, sealed = int.from_bytes(payload[:COUNTER_SIZE], "little"), payload[COUNTER_SIZE:]
    if len(sealed) < security.CCM_TAG:
        return _closed(payload, f"mode 10 ends with a tag of {security.CCM_TAG} bytes, {len(sealed)} are left")
    header = bytes((transport.ci,)) + _header_bytes(transport)
    for key in who.keys:
        try:
            plain = security.ccm_open(key, who.meter, counter, header, sealed, downlink=who.downlink)
        except SecurityError:
            continue
        return Opened(Protection.VERIFIED, plain, guarantee=GuaranteeClass.SHARED_KEYS, counter=counter)
    return _closed(payload, _no_key(who, "mode 10"))


def _header_bytes(transport: Transport) -> bytes:
    address = b"" if transport.address is None else transport.address.transport_order
    fields = bytes((transport.access_number or 0, transport.status)) + transport.configuration.to_bytes(2, "little")
    return address + fields + transport.extension


def _no_key(who: Parties, how: str) -> str:
    if not who.keys:
        return f"encrypted ({how}); give the key of {who.meter} with --key"
    tried = "the key does" if len(who.keys) == 1 else f"none of {len(who.keys)} keys does"
    return f"wrong key: {tried} not open {how} of {who.meter}"


def _closed(payload: bytes, problem: str) -> Opened:
    return Opened(Protection.CLOSED, payload, problem=problem)
