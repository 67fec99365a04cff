"""The keys of one meter, as a record that cannot be printed by accident."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from openami.model.errors import SettingError, StoreError

KEY_SIZES = (16, 32)
ENTRY_SIZES = (4, 5)
SYMMETRIC = ("global_unicast_encryption_key", "authentication_key", "global_broadcast_encryption_key", "master_key")


class NoKeys(StoreError):
    """The keystore has no keys for a system title."""


def _size(secret: bytes | None) -> str:
    return "none" if secret is None else f"<{len(secret)} bytes>"


@dataclass(frozen=True, slots=True, repr=False)
class MeterKeys:
    """Suite 0 keys of one meter and one role (client). `password` is for low-level security and may be absent, as may
    `master_key`, which wraps new keys on their way to the meter.

    Raises `SettingError` if a key has not 16 (suites 0 and 1) or 32 bytes (suite 2).
    """

    global_unicast_encryption_key: bytes = field(repr=False)
    authentication_key: bytes = field(repr=False)
    global_broadcast_encryption_key: bytes | None = field(default=None, repr=False)
    password: bytes | None = field(default=None, repr=False)
    master_key: bytes | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name in SYMMETRIC:
            key = getattr(self, name)
            if key is not None and len(key) not in KEY_SIZES:
                raise SettingError(f"{name} has {len(key)} bytes; it must have 16 or 32")

    def __repr__(self) -> str:
        return (
            f"MeterKeys(global_unicast_encryption_key={_size(self.global_unicast_encryption_key)},"
            f" authentication_key={_size(self.authentication_key)},"
            f" global_broadcast_encryption_key={_size(self.global_broadcast_encryption_key)},"
            f" password={_size(self.password)}, master_key={_size(self.master_key)})"
        )

    def entry(self) -> tuple[bytes | None, ...]:
        """As keystores write it."""
        return (
            self.global_unicast_encryption_key,
            self.authentication_key,
            self.global_broadcast_encryption_key,
            self.password,
            self.master_key,
        )

    @classmethod
    def of_entry(cls, entry: Sequence[bytes | None]) -> MeterKeys:
        """The record that a keystore wrote, also before there were master keys in it; raises `StoreError`."""
        if len(entry) not in ENTRY_SIZES or entry[0] is None or entry[1] is None:
            raise StoreError(f"a keystore's record has {len(entry)} fields; it was written by a newer version")
        return cls(entry[0], entry[1], *entry[2:])
