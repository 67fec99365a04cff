"""A table of a TOML file that users write: each value is asked for, and what is wrong is said with its place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from openami.model.errors import DecodeError, SettingError
from openami.protocols.dlms.data import decode_data

MEMBER_MAX, CLIENT_MAX = 127, 127


class TomlTable:
    """One table of the file: each value is asked for once, and nothing may be left over."""

    def __init__(self, values: Mapping[str, Any], where: str) -> None:
        self._values = dict(values)
        self.where = where

    def take(self, key: str, kind: type | tuple[type, ...], default: Any = ...) -> Any:
        """A value of the table; raise `SettingError` if it is missing or of another kind."""
        value = self._values.pop(key, default)
        if value is ...:
            raise SettingError(f"{self.where}: {key} is missing")
        if value is not default and (not isinstance(value, kind) or (isinstance(value, bool) and kind is int)):
            raise SettingError(f"{self.where}: {key} is {value!r}, which is not what stands there")
        return value

    def text(self, key: str, default: Any = ...) -> str:
        """A text."""
        return str(self.take(key, str, default))

    def choice(self, key: str, allowed: tuple[str, ...], default: str) -> str:
        """One of `allowed`."""
        value = self.text(key, default)
        if value not in allowed:
            raise SettingError(f"{self.where}: {key} is {value!r}, must be one of {', '.join(allowed)}")
        return value

    def integers(self, key: str, highest: int) -> tuple[int, ...] | None:
        """A number or a list of numbers from 0 to `highest`; `None` if it is not there."""
        value = self.take(key, (int, list), None)
        if value is None:
            return None
        values = value if isinstance(value, list) else [value]
        if not all(isinstance(one, int) and not isinstance(one, bool) and 0 <= one <= highest for one in values):
            raise SettingError(
                f"{self.where}: {key} is {value!r}, must be a number or a list of numbers from 0 to {highest}"
            )
        return tuple(values)

    def tables(self, key: str) -> list[TomlTable]:
        """An array of tables."""
        parts = self.take(key, list)
        for number, part in enumerate(parts, 1):
            if not isinstance(part, dict):
                raise SettingError(f"{self.where}: {key} number {number} is {part!r}, must be a table ([[{key}]])")
        return [
            TomlTable(part, f"{self.where}: {key} number {number} ({part.get('logical_name', 'without a name')})")
            for number, part in enumerate(parts, 1)
        ]

    def numbered(self, key: str, *, required: bool = False) -> dict[int, TomlTable]:
        """Tables by number."""
        parts = self.take(key, dict, ... if required else {})
        found = {}
        for number, part in parts.items():
            if not is_number(number, CLIENT_MAX) or not isinstance(part, dict):
                raise SettingError(f"{self.where}: {key}.{number} must be a table with a number as its name")
            found[int(number)] = TomlTable(part, f"{self.where}: {key}.{number}")
        return found

    def rights(self, key: str, allowed: tuple[str, ...]) -> dict[int, str]:
        """Rights by the number of an attribute or a method."""
        rights = {}
        for number, value in self.take(key, dict, {}).items():
            if (
                not is_number(number, MEMBER_MAX)
                or not isinstance(value, str)
                or value.removesuffix("+") not in allowed
            ):
                raise SettingError(f"{self.where}: {key}.{number} is {value!r}, must be one of {', '.join(allowed)}")
            rights[int(number)] = value
        return rights

    def values(self, key: str) -> dict[int, bytes]:
        """A-XDR values by attribute_id."""
        values = {}
        for number, value in self.take(key, dict, {}).items():
            try:
                if not is_number(number, MEMBER_MAX):
                    raise ValueError(f"{number} is no number of an attribute")
                values[int(number)] = bytes.fromhex(value)
                decode_data(values[int(number)])
            except (TypeError, ValueError, DecodeError) as error:
                raise SettingError(f"{self.where}: {key}.{number} is {value!r}, no A-XDR value: {error}") from error
        return values

    def finish(self) -> None:
        """Raise `SettingError` for what nobody asked for."""
        if self._values:
            raise SettingError(f"{self.where}: {', '.join(self._values)} is not known here")


def is_number(text: str, highest: int) -> bool:
    """Whether a key is a number from 0 to `highest`."""
    return text.isascii() and text.isdigit() and int(text) <= highest
