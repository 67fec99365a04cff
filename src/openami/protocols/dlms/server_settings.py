"""A server's configuration, and what it keeps across its links: counters and the windows of its clients."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, Protocol

from openami.model.errors import SecurityError, SettingError
from openami.protocols.dlms.access_result import ActionResult, DataAccessResult
from openami.protocols.dlms.association import Association, AssociationSettings
from openami.protocols.dlms.counters import (
    Counters,
    Persist,
    ReceiveWindow,
    SendCounter,
    apply,
    transactions_name,
)
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor, CosemMethodDescriptor, SelectiveAccess
from openami.protocols.dlms.short_names import ShortNames
from openami.protocols.wire.lockout import Lockout

ORIGINATORS_MAX: Final = 64


class LogicalDevice(Protocol):
    """Who answers GET, SET and ACTION. `now` is UTC seconds; all values are A-XDR octets. Asked synchronously."""

    def get(
        self,
        association: Association,
        descriptor: CosemAttributeDescriptor,
        selection: SelectiveAccess | None,
        now: float,
    ) -> bytes | DataAccessResult: ...

    def set(
        self,
        association: Association,
        descriptor: CosemAttributeDescriptor,
        selection: SelectiveAccess | None,
        value: bytes,
        now: float,
    ) -> DataAccessResult: ...

    def action(
        self, association: Association, descriptor: CosemMethodDescriptor, argument: bytes | None, now: float
    ) -> tuple[ActionResult, bytes | None]: ...


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """One physical device: `associations` by client SAP, `devices` by server SAP (1 is the management logical device).

    `inactivity_timeout_s` ends an association that is silent; with `close_when_idle` the connection too.
    """

    system_title: bytes
    devices: Mapping[int, LogicalDevice]
    associations: Mapping[int, AssociationSettings]
    max_receive_pdu_size: int = 65535
    inactivity_timeout_s: float = 120.0
    close_when_idle: bool = True
    value_bytes_max: int = 1 << 18
    """The longest value that is collected from blocks of SET or ACTION."""
    response_bytes_max: int = 1 << 22
    """The longest answer that is kept for transfer in blocks."""
    block_window: int = 6
    """How many blocks of general block transfer are taken in one stream."""
    list_max: int = 256
    challenge_size: int = 16
    short_names: Mapping[int, ShortNames] = field(default_factory=dict)
    """By server SAP: the devices whose objects have short names too (see `assign_short_names`)."""

    def __post_init__(self) -> None:
        if len(self.system_title) != 8:
            raise SettingError(f"system_title has {len(self.system_title)} bytes, must be 8")
        if not 64 <= self.max_receive_pdu_size <= 65535:
            raise SettingError(f"max_receive_pdu_size is {self.max_receive_pdu_size}, must be 64 to 65535")
        if not 8 <= self.challenge_size <= 64:
            raise SettingError(f"challenge_size is {self.challenge_size}, must be 8 to 64 bytes")


def fingerprint(key: bytes) -> str:
    """Names a key without giving it away."""
    return sha256(b"openami window of " + key).hexdigest()[:16]


class ServerState:
    """One per device, shared by all its links: no counter is used twice and none is accepted twice."""

    __slots__ = ("_counters", "_name", "_windows", "lockouts", "sending")

    def __init__(self, system_title: bytes, counters: Counters, *, reserve: int = 256) -> None:
        self._counters = counters
        self._name = f"dlms/{system_title.hex()}"
        name = f"{self._name}/sent"
        self.sending = SendCounter(name, counters.load(name), reserve)
        self._windows: dict[str, ReceiveWindow] = {}
        self.lockouts: dict[int, Lockout] = defaultdict(Lockout)
        """Wrong passwords, by client SAP."""

    def window_name(self, client_sap: int, client_system_title: bytes, key: bytes) -> str:
        """The name under which the last accepted counter of a client under an encryption key is kept.

        Counters belong to a key: under a new one they may begin anew, and one that returns finds its window again.
        """
        return f"{self._name}/{client_sap}/{client_system_title.hex()}/{fingerprint(key)}/received"

    def transactions_name(self, client_sap: int, client_system_title: bytes) -> str:
        """The name under which a client's last accepted transaction-id is kept, whatever the keys."""
        return transactions_name(f"{self._name}/{client_sap}/{client_system_title.hex()}/received")

    def window(self, client_sap: int, client_system_title: bytes, key: bytes) -> ReceiveWindow:
        """The window of a client: the shared one, or a new one that `keep` adds once a tag was verified."""
        name = self.window_name(client_sap, client_system_title, key)
        if name not in self._windows:
            return ReceiveWindow(self._counters.load(name) - 1)
        return self._windows[name]

    def transactions(self, client_sap: int, client_system_title: bytes) -> ReceiveWindow:
        """The window of a client's transaction-ids, which every accepted one is kept in at once."""
        return ReceiveWindow(self._counters.load(self.transactions_name(client_sap, client_system_title)) - 1)

    def keep(self, client_sap: int, client_system_title: bytes, key: bytes, window: ReceiveWindow) -> ReceiveWindow:
        """The client has proven to have the keys: its window is shared from now on. At most 64 clients."""
        name = self.window_name(client_sap, client_system_title, key)
        if name not in self._windows and len(self._windows) >= ORIGINATORS_MAX:
            title = client_system_title.hex()
            raise SecurityError(f"client {title} refused: {ORIGINATORS_MAX} others are known already")
        return self._windows.setdefault(name, window)

    def retire(self, key: bytes) -> None:
        """No client uses `key` any more: its windows are made durable and leave the memory."""
        ending = f"/{fingerprint(key)}/received"
        for name in [name for name in self._windows if name.endswith(ending)]:
            window = self._windows.pop(name)
            apply(self._counters, Persist(name, window.last + 1))
