"""An image from our client into our meter: in any order, interrupted, damaged, forged, broadcast, activated."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from meter_bench import CLIENT_TITLE, KEYS, METER_TITLE, START, BenchClock, make_client, make_meter, seeded
from openami.field.meter import codes
from openami.field.meter.broadcast import hear_broadcast
from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.faces.memory import MemoryFace
from openami.field.meter.faces.service import FramingKind, MeterService
from openami.field.meter.firmware import FirmwareImage, read_image
from openami.io.links.procedure import perform
from openami.model.errors import DecodeError, LinkError, SecurityError
from openami.model.event import EventCode
from openami.protocols.dlms.access_result import ActionResult
from openami.protocols.dlms.apdu import encode_apdu
from openami.protocols.dlms.broadcast import BROADCAST_PROTECTION
from openami.protocols.dlms.ciphered import GeneralGloCiphering
from openami.protocols.dlms.cosem import data as cosem_data
from openami.protocols.dlms.cosem.image_transfer import ImageBlockTransfer, ImageTransfer, ImageTransferStatus
from openami.protocols.dlms.hdlc.address import HdlcAddress
from openami.protocols.dlms.hdlc.assembly import LLC_COMMAND
from openami.protocols.dlms.hdlc.broadcast import unconfirmed_frames
from openami.protocols.dlms.hdlc.frame import encode_frame
from openami.protocols.dlms.image_transfer import ImagePlan, ImageTransferFailed, broadcast_blocks, transfer_image
from openami.protocols.dlms.security import SecurityControl, SecurityKeys, protect
from procedure_pair import MeterPair, client_counters

BLOCK = 64
IMAGE = FirmwareImage(b"OAM-2.0.1", random.Random(5).randbytes(3000))
RAW = bytes(IMAGE)
BLOCKS = -(-len(RAW) // BLOCK)
BROADCAST_KEYS = SecurityKeys(KEYS.global_unicast_encryption_key, KEYS.authentication_key, bytes(range(32, 48)))


def meter_for_images(**changes) -> ElectricityMeter:
    return make_meter(image_block_size=BLOCK, keys=BROADCAST_KEYS, **changes)


def events(meter: ElectricityMeter) -> list[int]:
    return [row[-1] for row in meter.event_log.records().tolist()]


def plan(**changes) -> ImagePlan:
    return replace(ImagePlan(b"OAM-2.0.1", RAW), **changes)


def test_an_image_is_transferred_verified_activated_and_reported() -> None:
    meter = meter_for_images(firmware_activation_s=30)
    pair = MeterPair(meter)
    heard: list[tuple[int, int]] = []
    done = pair.perform(transfer_image(plan(), lambda sent, missing: heard.append((sent, missing))))
    assert (done.status, done.blocks, done.blocks_sent) == (ImageTransferStatus.ACTIVATION_SUCCESSFUL, BLOCKS, BLOCKS)
    assert heard[-1] == (BLOCKS, BLOCKS)
    assert pair.now >= START + 30, "activation takes its time"
    (info,) = done.info
    assert (info.image_to_activate_identification, info.image_to_activate_size) == (b"OAM-2.0.1", len(RAW))
    assert pair.read(cosem_data.Data.value, codes.FIRMWARE).value == b"OAM-2.0.1"
    assert pair.read(cosem_data.Data.value, codes.FIRMWARE_SIGNATURE).value == IMAGE.digest
    assert events(meter)[-2:] == [EventCode.FIRMWARE_READY_FOR_ACTIVATION, EventCode.FIRMWARE_ACTIVATED]


def test_blocks_come_in_any_order_and_more_than_once() -> None:
    meter = meter_for_images()
    pair = MeterPair(meter)
    numbers = [*range(BLOCKS), *range(0, BLOCKS, 3)]
    random.Random(3).shuffle(numbers)
    procedure = transfer_image(plan())
    with pytest.raises(InterruptedError):
        pair.perform(procedure, 4)
    for count, number in enumerate(numbers, start=1):
        block = ImageBlockTransfer(number, RAW[number * BLOCK : (number + 1) * BLOCK])
        result, _ = pair.invoke(ImageTransfer.image_block_transfer, codes.IMAGE_TRANSFER, block)
        assert result == ActionResult.SUCCESS
        seen = {*numbers[:count]}
        bitmap = pair.read(ImageTransfer.image_transferred_blocks_status, codes.IMAGE_TRANSFER)
        assert bitmap == "".join("1" if i in seen else "0" for i in range(BLOCKS))
        first = pair.read(ImageTransfer.image_first_not_transferred_block_number, codes.IMAGE_TRANSFER)
        assert first == next((i for i in range(BLOCKS) if i not in seen), BLOCKS)
    assert pair.perform(transfer_image(plan(begun=True))).blocks_sent == 0
    assert meter.firmware == IMAGE


@pytest.mark.parametrize("interrupted_after", [5, 20, 40, BLOCKS + 3, BLOCKS + 6])
def test_a_power_failure_costs_no_block_that_had_arrived(interrupted_after: int) -> None:
    meter = meter_for_images()
    with pytest.raises(InterruptedError):
        MeterPair(meter).perform(transfer_image(plan()), interrupted_after)
    arrived = meter.image.bitmap.count("1")
    meter.power_fail(START + 10)
    meter.power_restore(START + 500)
    done = MeterPair(meter, START + 600).perform(transfer_image(plan(begun=True)))
    assert done.blocks_sent == BLOCKS - arrived
    assert meter.firmware == IMAGE


def test_an_activation_goes_on_after_a_power_failure() -> None:
    meter = meter_for_images(firmware_activation_s=60)
    pair = MeterPair(meter)
    pair.perform(transfer_image(plan(activate=False)))
    assert meter.image.status is ImageTransferStatus.VERIFICATION_SUCCESSFUL
    assert pair.invoke(ImageTransfer.image_activate, codes.IMAGE_TRANSFER)[0] == ActionResult.SUCCESS
    meter.power_fail(START + 20)
    meter.advance(START + 200)
    assert meter.firmware != IMAGE
    meter.power_restore(START + 300)
    assert meter.firmware == IMAGE


def test_another_transfer_is_not_resumed_but_begun_anew() -> None:
    meter = meter_for_images()
    other = bytes(FirmwareImage(b"other", bytes(9000)))
    with pytest.raises(InterruptedError):
        MeterPair(meter).perform(transfer_image(ImagePlan(b"other", other)), 30)
    done = MeterPair(meter).perform(transfer_image(plan(begun=True)))
    assert done.blocks_sent == BLOCKS
    assert meter.firmware == IMAGE


@pytest.mark.parametrize("place", [0, 9, 20, 60, len(RAW) - 1])
def test_a_damaged_image_is_found_out_and_can_be_sent_again(place: int) -> None:
    meter = meter_for_images()
    damaged = bytearray(RAW)
    damaged[place] ^= 1
    pair = MeterPair(meter)
    with pytest.raises(ImageTransferFailed, match="image_verify was refused: other reason"):
        pair.perform(transfer_image(plan(image=bytes(damaged))))
    assert meter.image.status is ImageTransferStatus.VERIFICATION_FAILED
    assert events(meter)[-1] == EventCode.FIRMWARE_VERIFICATION_FAILED
    assert pair.invoke(ImageTransfer.image_activate, codes.IMAGE_TRANSFER)[0] == ActionResult.OTHER_REASON
    assert pair.perform(transfer_image(plan(begun=True))).blocks_sent == BLOCKS
    assert meter.firmware == IMAGE


def test_a_meter_with_the_makers_key_takes_only_what_the_maker_signed() -> None:
    maker, thief = Ed25519PrivateKey.from_private_bytes(bytes(32)), Ed25519PrivateKey.from_private_bytes(b"\1" * 32)
    meter = meter_for_images(firmware_key=maker.public_key().public_bytes_raw())
    pair = MeterPair(meter)
    for forged in (IMAGE, IMAGE.signed(thief.sign)):
        with pytest.raises(ImageTransferFailed, match="image_verify"):
            pair.perform(transfer_image(plan(image=bytes(forged))))
    genuine = IMAGE.signed(maker.sign)
    done = pair.perform(transfer_image(plan(image=bytes(genuine))))
    assert done.info[0].image_to_activate_signature == genuine.signature
    assert meter.firmware == genuine


def test_what_the_meter_refuses_tells_which_step() -> None:
    meter = meter_for_images()
    pair = MeterPair(meter)
    wrong = ImageBlockTransfer(0, bytes(BLOCK))
    assert pair.invoke(ImageTransfer.image_block_transfer, codes.IMAGE_TRANSFER, wrong)[0] == ActionResult.OTHER_REASON
    assert pair.write(ImageTransfer.image_transfer_enabled, codes.IMAGE_TRANSFER, False) == 0
    with pytest.raises(ImageTransferFailed, match="not enabled"):
        pair.perform(transfer_image(plan()))
    assert pair.write(ImageTransfer.image_transfer_enabled, codes.IMAGE_TRANSFER, True) == 0
    with pytest.raises(ImageTransferFailed, match="image_transfer_initiate was refused"):
        pair.perform(transfer_image(plan(image=bytes((1 << 22) + 1))))
    with pytest.raises(InterruptedError):
        pair.perform(transfer_image(plan()), 6)
    for number, size in ((0, BLOCK - 1), (0, BLOCK + 1), (BLOCKS, BLOCK), (BLOCKS - 1, BLOCK), (1 << 31, BLOCK)):
        block = ImageBlockTransfer(number, bytes(size))
        result, _ = pair.invoke(ImageTransfer.image_block_transfer, codes.IMAGE_TRANSFER, block)
        assert result == ActionResult.OTHER_REASON
    assert pair.invoke(ImageTransfer.image_verify, codes.IMAGE_TRANSFER)[0] == ActionResult.OTHER_REASON


@pytest.mark.parametrize("cut", [0, 7, 8, 9, 20, 53, 54, len(RAW) - 1])
def test_images_that_are_cut_short_are_refused(cut: int) -> None:
    with pytest.raises(DecodeError):
        read_image(RAW[:cut])


def sealed(apdu: bytes, counter: int, control: int = BROADCAST_PROTECTION) -> bytes:
    content = protect(BROADCAST_KEYS, CLIENT_TITLE, counter, control, apdu)
    return encode_apdu(GeneralGloCiphering(CLIENT_TITLE, content))


def begin(meter: ElectricityMeter) -> None:
    """Announce the image over the meter's own association, and no more."""
    with pytest.raises(InterruptedError):
        MeterPair(meter).perform(transfer_image(plan()), 3)
    assert meter.image.status is ImageTransferStatus.INITIATED


def test_broadcast_blocks_are_completed_and_activated_one_by_one() -> None:
    meters = [meter_for_images() for _ in range(3)]
    for meter in meters:
        begin(meter)
    chance = random.Random(11)
    for counter, apdu in enumerate(broadcast_blocks(plan(), BLOCK)):
        for meter in meters:
            if chance.random() < 0.8:
                assert hear_broadcast(meter, sealed(apdu, counter), START + 1 + counter)
    for meter in meters:
        arrived = meter.image.bitmap.count("1")
        assert BLOCKS // 2 < arrived < BLOCKS
        done = MeterPair(meter, START + 1000).perform(transfer_image(plan(begun=True)))
        assert done.blocks_sent == BLOCKS - arrived
        assert meter.firmware == IMAGE


def test_a_broadcast_can_bring_blocks_and_nothing_else() -> None:
    meter = meter_for_images()
    first, second = list(broadcast_blocks(plan(), BLOCK))[:2]
    assert not hear_broadcast(meter, sealed(first, 1), START), "nothing was announced"
    begin(meter)
    verify = bytes((*first[:11], 3, *first[12:]))
    assert first[11] == 2, "the method number of a plain ACTION request"
    for refused in (
        first,
        sealed(verify, 2),
        sealed(first, 3, SecurityControl.AUTHENTICATED_ENCRYPTION),
        sealed(first, 4, SecurityControl.AUTHENTICATION | SecurityControl.BROADCAST),
        sealed(first, 5)[:-1] + b"\0",
    ):
        with pytest.raises(SecurityError):
            hear_broadcast(meter, refused, START)
    assert "1" not in meter.image.bitmap
    assert hear_broadcast(meter, sealed(second, 6), START)
    for replayed in (sealed(second, 6), sealed(first, 5)):
        with pytest.raises(SecurityError):
            hear_broadcast(meter, replayed, START)
    assert meter.image.bitmap.count("1") == 1


async def test_blocks_to_all_stations_in_ui_frames_and_the_rest_over_the_meters_own_association() -> None:
    clock = BenchClock()
    meter = meter_for_images()
    service = MeterService(meter, clock, random=seeded(), framing=FramingKind.HDLC, physical_address=17)
    face = MemoryFace(service)
    begin(meter)
    clock.counters = client_counters(meter)
    line = face.connect()
    for counter, apdu in enumerate(list(broadcast_blocks(plan(), BLOCK))[: BLOCKS // 2]):
        for to in (HdlcAddress(1, 0x7F, 2), HdlcAddress(1, 0x3FFF, 4), HdlcAddress(1, 18)):
            for frame in unconfirmed_frames(sealed(apdu, counter), LLC_COMMAND, 60, to, HdlcAddress(1)):
                await line.send(encode_frame(frame))
    client = make_client(line, clock, hdlc=True, keys=BROADCAST_KEYS, server_system_title=METER_TITLE)
    async with client:
        done = await perform(client, transfer_image(plan(begun=True)), clock)
    assert done.blocks_sent == BLOCKS - BLOCKS // 2
    assert meter.firmware == IMAGE
    await face.close()


async def test_over_a_link_that_breaks_the_transfer_is_resumed() -> None:
    clock = BenchClock()
    meter = meter_for_images()
    face = MemoryFace(MeterService(meter, clock, random=seeded()))
    begun, links = False, 0

    def fail(sent: int, _missing: int) -> None:
        if sent % 20 == 0 and sent < 60:
            meter.power_fail(clock.at)
            meter.power_restore(clock.at)

    while meter.firmware != IMAGE:
        links += 1
        try:
            async with make_client(face.connect(), clock) as client:
                await perform(client, transfer_image(plan(begun=begun), fail), clock)
        except LinkError:
            begun = True
    assert links == 3
    await face.close()
