"""What the meter refuses whoever has sealed it: fast toggling, storms, images that were not meant."""

from __future__ import annotations

from hashlib import sha256

from openami.app.drills.drill import Removal, drill, stands
from openami.app.drills.world import (
    AUTHORITY,
    DISCONNECT,
    GUARD_SEAL,
    RECONNECT,
    SIGNER,
    START,
    Meter,
)
from openami.field.meter import sealed_commands
from openami.field.meter.firmware import FirmwareImage
from openami.field.meter.sealed_commands import SealedCommands
from openami.field.meter.switching_limits import SwitchingLimits
from openami.protocols.dlms.cosem.disconnect_control import ControlState
from openami.protocols.dlms.cosem.image_transfer import ImageTransferInitiate
from openami.protocols.seal.closing import seal_command, sign_command
from openami.protocols.seal.command import Command

OPERATOR = "insider operator"
SUPPLY_CHAIN = "supply chain"
ACTIVATE = bytes.fromhex("c301c1001200002c0000ff04010f00")
HOUR_S = 3600


def _envelope(meter: Meter, counter: int, command: Command) -> bytes:
    """Both seals, whatever authority and guard would say: they are in the adversary's hands."""
    return seal_command(sign_command(command, AUTHORITY, counter, SIGNER), GUARD_SEAL, meter.recipient, counter)


def _order(meter: Meter, apdu: bytes, now: float, *, emergency: bool = False, subject: bytes = b"") -> Command:
    return Command(meter.title, apdu, int(now), 900, bytes(32), emergency=emergency, subject=subject)


@drill("A093", OPERATOR, Removal(SwitchingLimits, "allow", lambda _self, _at: True))
def a_household_is_switched_off_and_on_all_day() -> None:
    meter, changes, before = Meter(0), 0, ControlState.CONNECTED
    for minute in range(0, 24 * 60, 10):
        now = START + minute * 60
        apdu = DISCONNECT if minute % 20 == 0 else RECONNECT
        meter.deliver(_envelope(meter, minute + 1, _order(meter, apdu, now, emergency=True)), now)
        meter.device.advance(now + 1)
        changes += meter.state is not before
        before = meter.state
    stands(0 < changes <= 4, f"{changes} switchings in a day")


@drill("A092", OPERATOR, Removal(sealed_commands, "random_delay_s", lambda _random: 0))
def a_district_comes_back_at_once() -> None:
    """Every meter is ordered back in one second by whoever has both keys."""
    by_minute: dict[int, int] = {}
    fleet = [Meter(number) for number in range(60)]
    for meter in fleet:
        meter.deliver(_envelope(meter, 1, _order(meter, DISCONNECT, START, emergency=True)), START)
        meter.device.advance(START + HOUR_S)
        back = START + HOUR_S
        meter.deliver(_envelope(meter, 2, _order(meter, RECONNECT, back)), back)
        for minute in range(12):
            meter.device.advance(back + minute * 60 + 1)
            if meter.state is not ControlState.DISCONNECTED:
                by_minute[minute] = by_minute.get(minute, 0) + 1
                break
        stands(not meter.connected, "a household came back without anybody there to close the contact")
    stands(sum(by_minute.values()) == len(fleet), "not every meter was armed within its delay")
    most = max(by_minute.values())
    stands(most <= len(fleet) // 3, f"{most} of {len(fleet)} come back within one minute")


@drill("A101", SUPPLY_CHAIN, Removal(SealedCommands, "_fits", lambda _self, _signed: True))
def an_approved_activation_activates_another_image() -> None:
    """The image that was approved is not the one that lies in the meter."""
    meter = Meter(0)
    image = FirmwareImage(b"other model", b"payload")
    raw, memory = bytes(image), meter.device.image
    memory.initiate(ImageTransferInitiate(b"other", len(raw)))
    for number, start in enumerate(range(0, len(raw), memory.block_size)):
        memory.take(number, raw[start : start + memory.block_size])
    memory.verify(START)
    approved = sha256(b"the image that was approved").digest()
    meter.deliver(_envelope(meter, 1, _order(meter, ACTIVATE, START, subject=approved)), START)
    meter.device.advance(START + HOUR_S)
    stands(meter.device.firmware.identification != b"other model", "an image runs that nobody has approved")
