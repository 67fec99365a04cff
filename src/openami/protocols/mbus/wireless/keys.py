"""Which key belongs to which meter: a look-up by address that does not grow with the number of meters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from openami.model.errors import SettingError
from openami.protocols.mbus.wireless.address import MeterAddress

KEY_SIZE = 16


class Keys(Protocol):
    """Where keys are looked up."""

    def of(self, address: MeterAddress) -> tuple[bytes, ...]:
        """The keys to try for a meter."""
        ...


class KeyStore:
    """Keys by whole address, by manufacturer and number, by number alone; and some that are tried for every meter.

    The representation shows how many, never which.
    """

    def __init__(self, for_all: Iterable[bytes] = ()) -> None:
        self._by_address: dict[bytes, bytes] = {}
        self._by_number: dict[tuple[int | None, str], bytes] = {}
        self._for_all = tuple(_checked(key) for key in for_all)

    def __repr__(self) -> str:
        return f"KeyStore({len(self._by_address) + len(self._by_number)} meters, {len(self._for_all)} for all)"

    def add(self, address: MeterAddress, key: bytes) -> None:
        """The key of exactly this meter."""
        self._by_address[address.link_order] = _checked(key)

    def add_number(self, identification: str, key: bytes, manufacturer: int | None = None) -> None:
        """The key of a meter of which only the printed number (and perhaps the manufacturer) is known."""
        self._by_number[manufacturer, identification.upper()] = _checked(key)

    def of(self, address: MeterAddress) -> tuple[bytes, ...]:
        """The keys to try for a meter: its own alone if there is one, else those for all."""
        own = self._by_address.get(address.link_order) if self._by_address else None
        if own is None and self._by_number:
            number = address.identification
            own = self._by_number.get((address.manufacturer, number)) or self._by_number.get((None, number))
        return self._for_all if own is None else (own,)


def _checked(key: bytes) -> bytes:
    if len(key) != KEY_SIZE:
        raise SettingError(f"a wireless M-Bus key has {KEY_SIZE} bytes, not {len(key)}")
    return key
