"""The meter's end of an optical port in mode E: it answers the sign-on, then HDLC passes as it is.

The sequence is that of `optical`. On a serial line the port waits for a sign-on at 300 baud with 7 bits, again after a
silence. A line that has no speed, as a pty, takes frames without a sign-on too: readers that never heard of one come.
"""

from __future__ import annotations

import asyncio

from openami.io.links.link import Link
from openami.io.links.optical import BAUDRATES, SIGN_ON, Reconfigurable
from openami.io.links.serial import SerialSettings
from openami.protocols.dlms.hdlc.frame import FLAG

SILENCE_S = 120.0
_REQUEST_START = b"/?"
_LINE_END = b"\r\n"
_HELD_MAX = 64


class OpticalPort:
    """A link of which only what is said in mode E is told. `identification` is sent without `/` and line end: three
    letters of the maker, the character of the speed, a backslash with 2, and a name.
    """

    datagrams = False

    def __init__(self, link: Link, identification: bytes = b"OAM5\\2OpenAMI", *, silence_s: float = SILENCE_S) -> None:
        self.peer = link.peer
        self._link = link
        self._line = link if isinstance(link, Reconfigurable) else None
        self._identification = identification
        self._acknowledgement = bytes((0x06, ord("2"), identification[3], ord("2"))) + _LINE_END
        self._silence_s = silence_s
        self._held = b""
        self._open = self._line is None
        self._ready = self._open

    async def receive(self) -> bytes:
        """The next octets of mode E; sign-ons are answered meanwhile."""
        if not self._ready:
            await self._wait_for_sign_on()
        while True:
            data = await self._next()
            if not data:
                return data
            asked = bytes(octet & 0x7F for octet in data[:2]).startswith(_REQUEST_START)
            self._open = self._open or (self._line is None and data[0] == FLAG)
            if self._open and not asked:
                return data
            if self._open:
                await self._wait_for_sign_on()
            await self._sign_on(data)

    async def send(self, data: bytes) -> None:
        """Send in mode E; what is said before a sign-on goes nowhere."""
        if self._open:
            await self._link.send(data)

    async def close(self) -> None:
        """End the port."""
        await self._link.close()

    async def _next(self) -> bytes:
        while True:
            try:
                async with asyncio.timeout(self._silence_s if self._open and self._line is not None else None):
                    return await self._link.receive()
            except TimeoutError:
                await self._wait_for_sign_on()

    async def _wait_for_sign_on(self) -> None:
        self._held, self._open, self._ready = b"", False, True
        if self._line is not None:
            await self._line.reconfigure(SIGN_ON)

    async def _sign_on(self, data: bytes) -> None:
        """Answer whole lines: a request by the identification, its acknowledgement by itself."""
        self._held = (self._held + bytes(octet & 0x7F for octet in data))[-_HELD_MAX:]
        while _LINE_END in self._held and not self._open:
            line, _, self._held = self._held.partition(_LINE_END)
            if _REQUEST_START in line and line.endswith(b"!"):
                await self._link.send(b"/" + self._identification + _LINE_END)
            elif line.endswith(self._acknowledgement[:-2]):
                await self._link.send(self._acknowledgement)
                if self._line is not None:
                    await self._line.reconfigure(SerialSettings(BAUDRATES[self._identification[3]]))
                self._open = True
