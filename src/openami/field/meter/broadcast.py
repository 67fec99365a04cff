"""What the meter hears together with all others: image blocks under the broadcast key, and nothing else.

The broadcast key is known to a whole fleet, so whoever opens one meter has it: it may bring blocks of an image that
was announced, and is verified and activated, over an association of the meter's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from openami.field.meter import codes
from openami.model.errors import SecurityError
from openami.protocols.dlms.action import ActionRequestNormal
from openami.protocols.dlms.apdu import decode_apdu
from openami.protocols.dlms.broadcast import BROADCAST_PROTECTION
from openami.protocols.dlms.ciphered import GeneralGloCiphering
from openami.protocols.dlms.cosem.image_transfer import ImageTransfer
from openami.protocols.dlms.cosem.refusal import ActionRefused
from openami.protocols.dlms.counters import Persist, apply
from openami.protocols.dlms.data import decode_data
from openami.protocols.dlms.descriptor import CosemMethodDescriptor
from openami.protocols.dlms.security import read_header, unprotect

if TYPE_CHECKING:
    from openami.field.meter.electricity import ElectricityMeter

BROADCAST_SAP: Final = 0
"""No client has this address: the windows of broadcast senders are kept under it."""
_BLOCK: Final = ImageTransfer.image_block_transfer
_DESCRIPTOR: Final = CosemMethodDescriptor(_BLOCK.class_id, codes.IMAGE_TRANSFER, _BLOCK.method_id)


def hear_broadcast(meter: ElectricityMeter, apdu: bytes, now: float) -> bool:
    """Take a block that was sent to all meters; whether it was kept (nobody is answered).

    Raises `SecurityError` or `DecodeError` for anything that is not a sealed block; it has changed nothing.
    """
    meter.advance(now)
    sealed = decode_apdu(apdu)
    if not isinstance(sealed, GeneralGloCiphering):
        raise SecurityError(f"{type(sealed).__name__} to all stations: only general-glo-ciphering is taken")
    request = decode_apdu(_opened(meter, sealed))
    if not isinstance(request, ActionRequestNormal) or request.cosem_method_descriptor != _DESCRIPTOR:
        raise SecurityError("a broadcast asks for something else than image_block_transfer: refused")
    block = _BLOCK.parameter.from_data(decode_data(request.method_invocation_parameters or b""))
    try:
        meter.image.take(block.image_block_number, block.image_block_value)
    except ActionRefused:
        return False
    return True


def _opened(meter: ElectricityMeter, sealed: GeneralGloCiphering) -> bytes:
    """Counter newer, tag right, in this order; then the counter is committed, durably."""
    state, title = meter.server_state, sealed.system_title
    keys = meter.security.shared.record.keys
    key = keys.global_broadcast_encryption_key or b""
    window = state.window(BROADCAST_SAP, title, key)
    counter = read_header(sealed.content).invocation_counter
    window.check(counter)
    plain = unprotect(keys, title, sealed.content, required=BROADCAST_PROTECTION)
    state.keep(BROADCAST_SAP, title, key, window).commit(counter)
    apply(meter.counters, Persist(state.window_name(BROADCAST_SAP, title, key), counter + 1))
    return plain
