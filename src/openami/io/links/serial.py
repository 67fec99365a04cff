"""Serial lines through serialx, their settings, and errors that name the wrong one."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import parse_qsl

from openami.io.links.stream import StreamLink
from openami.model.errors import ConnectFailed, LinkLost, SettingError

_STOP_BITS = {"1": 1.0, "1.5": 1.5, "2": 2.0}


@dataclass(frozen=True, slots=True)
class SerialSettings:
    """How a line speaks. `parity` is N, E or O; DLMS lines use 8 bits without parity."""

    baudrate: int = 9600
    bytesize: int = 8
    parity: str = "N"
    stopbits: float = 1.0

    def __post_init__(self) -> None:
        if not 50 <= self.baudrate <= 4_000_000:
            raise SettingError(f"baudrate={self.baudrate}: must be 50 to 4000000")
        if self.bytesize not in {7, 8}:
            raise SettingError(f"bytesize={self.bytesize}: must be 7 or 8")
        if self.parity not in {"N", "E", "O"}:
            raise SettingError(f"parity={self.parity}: must be N, E or O")
        if self.stopbits not in _STOP_BITS.values():
            raise SettingError(f"stopbits={self.stopbits:g}: must be 1, 1.5 or 2")


def serial_settings(query: str) -> SerialSettings:
    """The settings of `baudrate=9600&parity=E&bytesize=7&stopbits=1`; raise `SettingError` that names the wrong one."""
    given: dict[str, Any] = {}
    known = [field.name for field in fields(SerialSettings)]
    for name, text in parse_qsl(query, keep_blank_values=True):
        if name not in known:
            raise SettingError(f"{name}={text}: no such setting of a serial line; there are {', '.join(known)}")
        if name in given:
            raise SettingError(f"{name} is given twice")
        given[name] = _value(name, text)
    return SerialSettings(**given)


def _value(name: str, text: str) -> str | int | float:
    if name == "parity":
        return text.upper()
    if name == "stopbits":
        if text not in _STOP_BITS:
            raise SettingError(f"stopbits={text}: must be 1, 1.5 or 2")
        return _STOP_BITS[text]
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise SettingError(f"{name}={text}: must be a number")
    return int(text)


class SerialLink(StreamLink):
    """A serial port as a `Link`; `peer` is `serial:` and the device's path."""

    __slots__ = ()

    async def reconfigure(self, settings: SerialSettings) -> None:
        """Speak differently from now on, as after a sign-on at 300 baud. Raises `LinkLost`."""
        transport: Any = self._transport
        try:
            await transport.reconfigure_port(**_serialx_settings(settings))
        except (OSError, RuntimeError) as error:
            raise LinkLost(f"{self.peer} does not take {settings.baudrate} baud: {error}") from error

    async def close(self) -> None:
        """End the link; when this returns the port is free for whoever opens it next."""
        await super().close()
        transport: Any = self._transport
        await transport.wait_closed()


async def open_serial(path: str, settings: SerialSettings | None = None) -> SerialLink:
    """Open the port `path`, alone; settings may also follow it: `/dev/ttyUSB0?baudrate=9600&parity=E`.

    Raises `SettingError` for a wrong setting and `ConnectFailed` if the port cannot be opened.
    """
    from serialx import SerialException, UnsupportedSetting, create_serial_connection

    device, _, query = path.partition("?")
    chosen = settings or serial_settings(query)
    loop = asyncio.get_running_loop()
    try:
        _, link = await create_serial_connection(
            loop, lambda: SerialLink(f"serial:{device}"), device, **_serialx_settings(chosen)
        )
    except UnsupportedSetting as error:
        raise SettingError(f"{device} does not take these settings: {error}") from error
    except (OSError, SerialException) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        raise ConnectFailed(f"the serial port {device} cannot be opened: {reason}") from error
    assert isinstance(link, SerialLink)
    return link


def _serialx_settings(settings: SerialSettings) -> dict[str, Any]:
    from serialx import Parity, StopBits

    return {
        "baudrate": settings.baudrate,
        "byte_size": settings.bytesize,
        "parity": Parity(settings.parity),
        "stopbits": StopBits(settings.stopbits),
    }
