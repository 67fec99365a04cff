"""What one client says to all stations of a network at once, sealed under the global broadcast key.

Nobody answers and nobody associates: each APDU is an unconfirmed request in general-glo-ciphering with the broadcast
bit set. In the wrapper it is addressed to wPort 127, all-station (fact from open implementations).
"""

from __future__ import annotations

from typing import Final

from openami.model.errors import SettingError
from openami.protocols.dlms.apdu import encode_apdu
from openami.protocols.dlms.ciphered import GeneralGloCiphering
from openami.protocols.dlms.counters import Persist, SendCounter
from openami.protocols.dlms.security import SecurityControl, SecurityKeys, check_system_title, protect
from openami.protocols.dlms.wrapper import encode_wrapper

ALL_STATION: Final = 0x7F
BROADCAST_PROTECTION: Final = SecurityControl.AUTHENTICATED_ENCRYPTION | SecurityControl.BROADCAST


class BroadcastSender:
    """Seals with the broadcast key of `keys`; `sending` counts for that key and this title, and comes from a store.

    Reserve before you seal: make `reservation` durable (`openami.protocols.dlms.counters.apply`) and say `reserved`.
    """

    __slots__ = ("_keys", "_sending", "_title")

    def __init__(self, keys: SecurityKeys, system_title: bytes, sending: SendCounter) -> None:
        if keys.global_broadcast_encryption_key is None:
            raise SettingError("global_broadcast_encryption_key is not set, and a broadcast is sealed under it")
        self._keys = keys
        self._title = check_system_title(system_title)
        self._sending = sending

    @property
    def available(self) -> int:
        """How many APDUs may be sealed without reserving more."""
        return self._sending.available

    def reservation(self) -> Persist:
        """What must be durable before more is sealed; raises `CountersExhausted`."""
        return self._sending.reservation()

    def reserved(self, event: Persist) -> None:
        """`event` is durable."""
        self._sending.reserved(event)

    def seal(self, apdu: bytes) -> bytes:
        """The sealed APDU; uses up one number."""
        control = BROADCAST_PROTECTION | int(self._keys.suite)
        content = protect(self._keys, self._title, self._sending.take(), control, apdu)
        return encode_apdu(GeneralGloCiphering(self._title, content))

    def datagram(self, apdu: bytes, client_sap: int) -> bytes:
        """The sealed APDU in the wrapper, for all stations."""
        return encode_wrapper(self.seal(apdu), client_sap, ALL_STATION)
