"""Options that are written in hexadecimal; their errors name the option, never the value, which may be a key."""

from __future__ import annotations

from openami.model.errors import SettingError


def octets(option: str, text: str, *sizes: int) -> bytes:
    """The bytes; raises `SettingError` unless there are as many as one of `sizes` says (none given: any number)."""
    try:
        value = bytes.fromhex(text)
    except ValueError:
        raise SettingError(f"{option} is not hexadecimal") from None
    if sizes and len(value) not in sizes:
        raise SettingError(f"{option} has {len(value)} bytes, not {' or '.join(map(str, sizes))}")
    return value
