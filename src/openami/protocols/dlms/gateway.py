"""The gateway prefix: an APDU for a device behind a gateway, told by network and physical address.

A request begins with E6, a response with E7; then network id (1 octet), length of the address, address, and the APDU
unchanged. A gateway takes the prefix off and passes the APDU on as it is: its protection stays end to end. (Layout
checked against messages of another implementation for E6; E7 is taken to be the same.)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Final

from openami.model.errors import DecodeError, SettingError
from openami.protocols.dlms.axdr import OCTET_STRING
from openami.protocols.dlms.framing import ApduReceived, Framing, FramingEvent, Garbage, Role
from openami.protocols.wire.cursor import Cursor
from openami.protocols.wire.declared import codec_of, declared, encode_all
from openami.protocols.wire.integers import UNSIGNED8

REQUEST: Final = 0xE6
RESPONSE: Final = 0xE7
_ADDRESS_MAX: Final = 127


@declared
class GatewayAddress:
    """A device behind a gateway."""

    network_id: Annotated[int, UNSIGNED8]
    physical_device_address: Annotated[bytes, OCTET_STRING]


@dataclass(frozen=True, slots=True)
class Prefixed:
    """An APDU with its prefix; `tag` is REQUEST or RESPONSE."""

    tag: int
    address: GatewayAddress
    apdu: bytes


def encode_prefixed(prefixed: Prefixed) -> bytes:
    """The octets of prefix and APDU."""
    return bytes((prefixed.tag,)) + encode_all(codec_of(GatewayAddress), prefixed.address) + prefixed.apdu


def decode_prefixed(raw: bytes) -> Prefixed:
    """Prefix and APDU of `raw`; raises `DecodeError` if it begins with no gateway prefix."""
    cursor = Cursor(raw)
    tag = cursor.u8()
    if tag not in (REQUEST, RESPONSE):
        raise DecodeError(f"{tag:02X} begins no gateway prefix, which is E6 or E7", 0)
    address = codec_of(GatewayAddress).decode(cursor)
    return Prefixed(tag, address, cursor.take_rest())


class GatewayFraming:
    """A framing through a gateway, for the client of a device behind it, or for that device's side of the gateway.

    What comes without the prefix of this device and direction is told as `Garbage`, and never reaches the association.
    """

    def __init__(self, framing: Framing, role: Role, address: GatewayAddress) -> None:
        if len(address.physical_device_address) > _ADDRESS_MAX:
            size = len(address.physical_device_address)
            raise SettingError(f"physical_device_address has {size} bytes, at most {_ADDRESS_MAX} are possible")
        self._framing = framing
        self._address = address
        self._sent, self._awaited = (REQUEST, RESPONSE) if role is Role.CLIENT else (RESPONSE, REQUEST)
        prefix = len(encode_prefixed(Prefixed(self._sent, address, b"")))
        self.max_apdu = None if framing.max_apdu is None else framing.max_apdu - prefix

    def connect(self, now: float) -> None:
        """Ask the gateway for the connection."""
        self._framing.connect(now)

    def disconnect(self, now: float) -> None:
        """End the connection to the gateway."""
        self._framing.disconnect(now)

    def receive(self, data: bytes, now: float) -> None:
        """Take bytes from the link."""
        self._framing.receive(data, now)

    def next_event(self) -> FramingEvent | None:
        """The oldest event that was not taken yet, its APDU without the prefix."""
        event = self._framing.next_event()
        return self._without_prefix(event) if isinstance(event, ApduReceived) else event

    def send(self, apdu: bytes, now: float, *, destination: int | None = None, unconfirmed: bool = False) -> None:
        """Queue one APDU with its prefix."""
        raw = encode_prefixed(Prefixed(self._sent, self._address, apdu))
        self._framing.send(raw, now, destination=destination, unconfirmed=unconfirmed)

    def data_to_send(self, now: float) -> bytes:
        """Bytes for the link."""
        return self._framing.data_to_send(now)

    def next_timeout(self) -> float | None:
        """When `handle_timeout` wants to be called."""
        return self._framing.next_timeout()

    def handle_timeout(self, now: float) -> None:
        """Do what is due at `now`."""
        self._framing.handle_timeout(now)

    def closed(self, now: float) -> None:
        """The link has ended."""
        self._framing.closed(now)

    def _without_prefix(self, event: ApduReceived) -> FramingEvent:
        try:
            prefixed = decode_prefixed(event.apdu)
        except DecodeError as error:
            return Garbage(event.apdu, str(error))
        if prefixed.tag != self._awaited:
            return Garbage(event.apdu, f"gateway prefix {prefixed.tag:02X} came where {self._awaited:02X} was due")
        if prefixed.address != self._address:
            other = prefixed.address
            what = f"network {other.network_id}, device {other.physical_device_address.hex() or '(empty)'}"
            return Garbage(event.apdu, f"an APDU of {what}, which is not the one called")
        return replace(event, apdu=prefixed.apdu)
