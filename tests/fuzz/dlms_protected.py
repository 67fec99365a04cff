"""Protected APDUs on their way into a channel that has all keys: whatever comes, only our errors leave."""

from __future__ import annotations

from dlms_curves import curves
from fuzz_targets import fuzz_target
from openami.model.errors import SecurityError
from openami.protocols.dlms.apdu import decode_apdu
from openami.protocols.dlms.counters import ReceiveWindow, SendCounter
from openami.protocols.dlms.protection_form import Form
from openami.protocols.dlms.secure_channel import SecureChannel
from openami.protocols.dlms.security import SecurityKeys, SecuritySuite

CLIENT, METER = b"OAM\x00\x00\x00\x00\x01", b"OAM\x10\x00\x00\x00\x2a"
KEYS = SecurityKeys(
    bytes(range(16)),
    bytes(range(16, 32)),
    dedicated_key=bytes(16),
    suite=SecuritySuite.SUITE_1,
    master_key=bytes(range(32, 48)),
)
SIDES = dict(zip((CLIENT, METER), curves(), strict=True))


def channel(own: bytes, peer: bytes, *, form: Form = Form.GLOBAL, sign: bool = False) -> SecureChannel:
    sending = SendCounter("fuzz")
    sending.reserved(sending.reservation())
    return SecureChannel(
        KEYS,
        own,
        peer,
        sending,
        ReceiveWindow(),
        control=0x30,
        required=0,
        form=form,
        asymmetric=SIDES[own],
        random=lambda size: bytes(range(1, size + 1)),
        sign=sign,
    )


SEEDS = [
    channel(CLIENT, METER, form=form, sign=sign).seal(bytes.fromhex("c001c100080000010000ff0200"))
    for form in Form
    for sign in (False, True)
]


@fuzz_target("dlms-protected", SEEDS, inputs=2_000)
def protected(data: bytes) -> None:
    """Decoded and opened; what verifies is decoded too."""
    try:
        decode_apdu(channel(METER, CLIENT).open(decode_apdu(data)))
    except SecurityError:
        return
