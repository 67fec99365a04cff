"""Security of frames on the link: AES-CCM* of IEEE 802.15.4-2006 at level 6 (encrypted, 8-byte MIC), a group key.

Auxiliary header: control, frame counter (last octet first), key index. Nonce: the sender's EUI-64, frame counter,
level. A sender counts up over all its keys, so that no nonce comes twice; a receiver takes each counter once.
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from openami.model.errors import SecurityError
from openami.protocols.mesh.frame import MacFrame

LEVEL: Final = 6
_KEY_ID_MODE: Final = 1
CONTROL: Final = LEVEL | _KEY_ID_MODE << 3
AUXILIARY_SIZE: Final = 6
MIC_SIZE: Final = 8
OVERHEAD: Final = AUXILIARY_SIZE + MIC_SIZE
SENDERS_MAX: Final = 4096
INDICES: Final = 255


class UnknownKey(SecurityError):
    """The frame is protected with a group key that we do not have: ours may be old."""


class Replayed(SecurityError):
    """A counter that was seen before, or an older one. `again`: exactly the last frame, sent once more."""

    def __init__(self, counter: int, last: int) -> None:
        super().__init__(f"frame counter {counter} is not newer than the last accepted {last}: replay refused")
        self.again = counter == last


def key_index(epoch: int) -> int:
    """The key index, 1 to 255, that names the group key of an epoch in frames."""
    return (epoch - 1) % INDICES + 1


class LinkSecurity:
    """The group keys of one station and the last counter of each sender it has heard."""

    __slots__ = ("_ciphers", "_identity", "_seen", "_sending", "epoch", "latest")

    def __init__(self, eui64: bytes) -> None:
        self._identity = eui64
        self._ciphers: dict[int, AESCCM] = {}
        self._seen: dict[bytes, int] = {}
        self._sending: AESCCM | None = None
        self.epoch = 0
        self.latest = 0

    @property
    def ready(self) -> bool:
        """Whether there is a key to send with."""
        return self._sending is not None

    def add(self, epoch: int, key: bytes) -> None:
        """Understand frames with the key of `epoch`."""
        self._ciphers[key_index(epoch)] = AESCCM(key, tag_length=MIC_SIZE)
        self.latest = max(self.latest, epoch)

    def switch(self, epoch: int) -> None:
        """Send with the key of `epoch`, which was added before."""
        self._sending = self._ciphers[key_index(epoch)]
        self.epoch = epoch

    def drop_other_keys(self) -> None:
        """Forget all keys but the one that is sent with and those that are newer."""
        kept = {key_index(epoch) for epoch in range(self.epoch, self.latest + 1)}
        self._ciphers = {index: cipher for index, cipher in self._ciphers.items() if index in kept}

    def forget(self) -> None:
        """Have no key any more. What was seen of the senders stays: their counters go on."""
        self._ciphers.clear()
        self._sending = None
        self.epoch = self.latest = 0

    def last_counter(self, sender: bytes) -> int:
        """The last counter accepted from `sender`; -1 if there was none."""
        return self._seen.get(sender, -1)

    def protect(self, header: bytes, payload: bytes, counter: int) -> bytes:
        """The whole PSDU. `counter` must never have been used by this station before."""
        assert self._sending is not None
        auxiliary = bytes((CONTROL,)) + counter.to_bytes(4, "little") + bytes((key_index(self.epoch),))
        nonce = self._identity + counter.to_bytes(4, "big") + bytes((LEVEL,))
        opened = header + auxiliary
        return opened + self._sending.encrypt(nonce, payload, opened)

    def open(self, frame: MacFrame) -> bytes:
        """The payload of a secured frame. Raises `SecurityError`; nothing is remembered of a frame that fails."""
        content, sender = frame.content, frame.source
        if len(content) < OVERHEAD or content[0] != CONTROL or len(sender) != 8:
            raise SecurityError("a secured frame without the level, key or address that this mesh uses")
        cipher = self._ciphers.get(content[5])
        if cipher is None:
            raise UnknownKey(f"group key {content[5]} is not known here")
        counter = int.from_bytes(content[1:5], "little")
        nonce = sender + counter.to_bytes(4, "big") + bytes((LEVEL,))
        try:
            payload = cipher.decrypt(nonce, content[AUXILIARY_SIZE:], frame.header + content[:AUXILIARY_SIZE])
        except InvalidTag:
            raise SecurityError(f"a frame from {sender.hex()} fails its integrity check") from None
        self._take(sender, counter)
        return payload

    def uses_newer_key(self, frame: MacFrame) -> bool:
        """Whether a frame that was opened is protected with the newest key while we still send with an older one."""
        return self.latest > self.epoch and frame.content[5] == key_index(self.latest)

    def _take(self, sender: bytes, counter: int) -> None:
        last = self._seen.get(sender, -1)
        if counter <= last:
            raise Replayed(counter, last)
        if last < 0 and len(self._seen) >= SENDERS_MAX:
            raise SecurityError(f"more than {SENDERS_MAX} senders: {sender.hex()} is not heard")
        self._seen[sender] = counter
