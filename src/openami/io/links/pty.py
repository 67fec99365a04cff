"""Ptys: serial lines without hardware, for meters that stand beside their readers on one machine."""

from __future__ import annotations

import asyncio
import os
import tty

from openami.io.links.inbox import Inbox
from openami.model.errors import ConnectFailed, LinkLost

_PIECE = 1 << 16


class PtyLink:
    """The inner end of a pty: what a program writes to its path arrives here. Make it with `open_pty`.

    Programs may come and go; the link stays until it is closed.
    """

    datagrams = False

    def __init__(self, descriptor: int, kept: int, path: str) -> None:
        self.peer = f"pty:{path}"
        self._descriptor = descriptor
        self._kept = kept
        self._inbox = Inbox()
        self._loop = asyncio.get_running_loop()
        self._closed = False
        self._reading = False
        self._resume()

    async def receive(self) -> bytes:
        data = await self._inbox.take()
        if not self._inbox.full:
            self._resume()
        return data

    async def send(self, data: bytes) -> None:
        while data:
            if self._closed:
                raise LinkLost(f"{self.peer} was closed")
            try:
                data = data[os.write(self._descriptor, data) :]
            except BlockingIOError:
                await self._writable()
            except OSError as error:
                raise LinkLost(f"{self.peer} broke: {error.strerror}") from error

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._pause()
            self._loop.remove_writer(self._descriptor)
            os.close(self._descriptor)
            os.close(self._kept)
            self._inbox.end()

    def _arrived(self) -> None:
        try:
            data = os.read(self._descriptor, _PIECE)
        except BlockingIOError:
            return
        except OSError as error:
            self._pause()
            self._inbox.end(LinkLost(f"{self.peer} broke: {error.strerror}"))
            return
        self._inbox.put(data)
        if self._inbox.full:
            self._pause()

    async def _writable(self) -> None:
        possible = asyncio.Event()
        self._loop.add_writer(self._descriptor, possible.set)
        try:
            await possible.wait()
        finally:
            if not self._closed:
                self._loop.remove_writer(self._descriptor)

    def _resume(self) -> None:
        if not self._reading and not self._closed:
            self._reading = True
            self._loop.add_reader(self._descriptor, self._arrived)

    def _pause(self) -> None:
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._descriptor)


async def open_pty() -> tuple[PtyLink, str]:
    """A pty without echo: its inner end, and the path that another program opens as a serial port."""
    try:
        inner, outer = os.openpty()
    except OSError as error:
        raise ConnectFailed(f"no pty is free: {error.strerror}") from error
    tty.setraw(outer)
    os.set_blocking(inner, False)
    path = os.ttyname(outer)
    # The outer end stays open here too: without it the inner one breaks whenever no program holds the path.
    return PtyLink(inner, outer, path), path
