"""The keys of one meter, as a record that cannot be printed by accident."""

from __future__ import annotations

from dataclasses import dataclass, field

from openami.model.errors import SettingError, StoreError

KEY_SIZES = (16, 32)


class NoKeys(StoreError):
    """The keystore has no keys for a system title."""


def _size(secret: bytes | None) -> str:
    return "none" if secret is None else f"<{len(secret)} bytes>"


@dataclass(frozen=True, slots=True, repr=False)
class MeterKeys:
    """Suite 0 keys of one meter and one role (client). `password` is for low-level security and may be absent.

    Raises `SettingError` if a key has not 16 (suites 0 and 1) or 32 bytes (suite 2).
    """

    global_unicast_encryption_key: bytes = field(repr=False)
    authentication_key: bytes = field(repr=False)
    global_broadcast_encryption_key: bytes | None = field(default=None, repr=False)
    password: bytes | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name in ("global_unicast_encryption_key", "authentication_key", "global_broadcast_encryption_key"):
            key = getattr(self, name)
            if key is not None and len(key) not in KEY_SIZES:
                raise SettingError(f"{name} has {len(key)} bytes; it must have 16 or 32")

    def __repr__(self) -> str:
        return (
            f"MeterKeys(global_unicast_encryption_key={_size(self.global_unicast_encryption_key)},"
            f" authentication_key={_size(self.authentication_key)},"
            f" global_broadcast_encryption_key={_size(self.global_broadcast_encryption_key)},"
            f" password={_size(self.password)})"
        )
