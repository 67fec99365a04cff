"""The sign-on of an optical head in mode E: from 300 baud with 7 bits to binary HDLC at the meter's own speed.

Sequence (as reading programs in the field do it, after IEC 62056-21): `/?!`, identification `/XXXZ…` whose fifth
character Z names the speed, acknowledgement 06 2 Z 2, which most meters repeat at the old speed, then 8 bits
without parity at the new one. Heads that echo what is sent are borne.
"""

from __future__ import annotations

import asyncio
from typing import Protocol, runtime_checkable

from openami.io.links.link import Link
from openami.io.links.serial import SerialSettings
from openami.model.errors import DecodeError, LinkLost, LinkTimeout
from openami.protocols.iec62056_21.message import MODE_C_SPEEDS

SIGN_ON = SerialSettings(300, 7, "E", 1.0)
BAUDRATES = {ord(character): speed for character, speed in MODE_C_SPEEDS.items()}
"""Speed by the fifth character of the identification; 6 is 19200."""
_REQUEST = b"/?!\r\n"
_IDENTIFICATION_MAX = 64


@runtime_checkable
class Reconfigurable(Link, Protocol):
    """A link whose speed can change, as `SerialLink`."""

    async def reconfigure(self, settings: SerialSettings) -> None:
        """Speak differently from now on."""
        ...


class FixedLine:
    """A line that keeps its speed and framing, whatever is asked: a pty, a serial server, a head of one speed.

    Octets of seven bits with parity arrive there as eight bits: the parity bit is taken off.
    """

    datagrams = False

    def __init__(self, link: Link) -> None:
        self.peer = link.peer
        self._link = link
        self._seven = True

    async def reconfigure(self, settings: SerialSettings) -> None:
        """Only whether there is a parity bit in the eighth place changes."""
        self._seven = settings.bytesize == SIGN_ON.bytesize

    async def receive(self) -> bytes:
        """The next octets."""
        data = await self._link.receive()
        return bytes(octet & 0x7F for octet in data) if self._seven else data

    async def send(self, data: bytes) -> None:
        """Without parity: whoever is at the other end takes seven bits of eight."""
        await self._link.send(data)

    async def close(self) -> None:
        """End the link."""
        await self._link.close()


async def sign_on(link: Reconfigurable, *, answer_s: float = 5.0, echo_s: float = 1.2) -> bytes:
    """Sign on in mode E and leave `link` ready for HDLC; the meter's identification without `/` and line end.

    Raises `LinkTimeout` if the meter does not identify itself in time, `DecodeError` if it names no speed of mode E.
    """
    await link.reconfigure(SIGN_ON)
    await link.send(_REQUEST)
    try:
        async with asyncio.timeout(answer_s):
            identification = await _identification(link)
    except TimeoutError as error:
        raise LinkTimeout(f"{link.peer}: no identification within {answer_s:g} s; is the head on the meter?") from error
    speed = identification[3]
    await link.send(bytes((0x06, ord("2"), speed, ord("2"))) + b"\r\n")
    await _drain(link, echo_s)
    await link.reconfigure(SerialSettings(BAUDRATES[speed]))
    return identification


async def _identification(link: Link) -> bytes:
    held = b""
    while True:
        data = await link.receive()
        if not data:
            raise LinkLost(f"{link.peer} ended during the sign-on")
        held = (held + data).replace(_REQUEST, b"")
        start, end = held.find(b"/"), held.find(b"\r\n")
        if 0 <= start < end and not held[start:].startswith(_REQUEST[: len(held) - start]):
            return _checked(held[start + 1 : end])
        if len(held) > _IDENTIFICATION_MAX:
            raise DecodeError(f"no identification in {held.hex()}", 0, ("sign-on",))


def _checked(identification: bytes) -> bytes:
    if len(identification) < 4 or identification[3] not in BAUDRATES:
        raise DecodeError(f"identification {identification!r} names no speed", 3, ("sign-on",))
    return identification


async def _drain(link: Link, seconds: float) -> None:
    """Take the repeated acknowledgement, or wait as long as it could come."""
    held = b""
    try:
        async with asyncio.timeout(seconds):
            while held.count(b"\r\n") < 2:  # the head's echo and the meter's answer
                data = await link.receive()
                if not data:
                    raise LinkLost(f"{link.peer} ended during the sign-on")
                held += data
    except TimeoutError:
        return
