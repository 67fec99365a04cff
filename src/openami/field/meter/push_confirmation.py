"""What a listener answers to a push: opened, proven and counted before it ends the repetitions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from openami.model.errors import SecurityError
from openami.protocols.dlms.apdu import decode_apdu
from openami.protocols.dlms.ciphered import GeneralGloCiphering
from openami.protocols.dlms.counters import Persist, ReceiveWindow, apply
from openami.protocols.dlms.notification import DataNotificationConfirm
from openami.protocols.dlms.security import SecurityControl, check_system_title, read_header, unprotect
from openami.protocols.dlms.server_settings import fingerprint

if TYPE_CHECKING:
    from openami.field.meter.electricity import ElectricityMeter


def open_confirmation(meter: ElectricityMeter, apdu: bytes) -> int:
    """The long-invoke-id that `apdu` confirms: sealed with general-glo-ciphering as the push was, never seen before.

    The meter seals all its pushes, so a plain confirmation is of somebody who could not read what he confirms.
    The accepted counter is durable before this returns. Raises `SecurityError` or `DecodeError`.
    """
    outer, shared = decode_apdu(apdu), meter.security.shared
    if not isinstance(outer, GeneralGloCiphering):
        raise SecurityError(f"{type(outer).__name__} as confirmation of a sealed push: refused")
    title, pinned = outer.system_title, shared.role.client_system_title
    if pinned not in (None, check_system_title(title)):
        raise SecurityError(f"push confirmed by {title.hex() or '(empty)'}, which is not the client's title: refused")
    keys = shared.used
    name = _window_name(meter.config.system_title, title, keys.global_unicast_encryption_key)
    counter = read_header(outer.content).invocation_counter
    ReceiveWindow(meter.counters.load(name) - 1).check(counter)
    confirmed = decode_apdu(unprotect(keys, title, outer.content, required=SecurityControl.AUTHENTICATED_ENCRYPTION))
    if not isinstance(confirmed, DataNotificationConfirm):
        raise SecurityError(f"{type(confirmed).__name__} where a push is to be confirmed: refused")
    apply(meter.counters, Persist(name, counter + 1))
    return confirmed.long_invoke_id_and_priority


def _window_name(own: bytes, listener: bytes, key: bytes) -> str:
    """Under which the last accepted counter of a listener's confirmations is kept, for each key."""
    return f"dlms/{own.hex()}/{listener.hex()}/{fingerprint(key)}/confirmed"
