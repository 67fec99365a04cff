"""A meter behind an optical port: signed on in mode E on a pty, then read by HDLC; again after a silence."""

from __future__ import annotations

import asyncio

import pytest

from openami.io.links.memory import memory_pair
from openami.io.links.optical import FixedLine, sign_on
from openami.io.links.optical_port import OpticalPort
from virtual_loop import in_virtual_time


def port(**options):
    """The reader's end and the meter's."""
    reader, meter = memory_pair()
    return FixedLine(reader), OpticalPort(FixedLine(meter), **options)


async def talk(reader, meter):
    """Sign on, one exchange in mode E; what the meter was told and what the reader was answered."""
    told = asyncio.create_task(meter.receive())
    identification = await sign_on(reader)
    await reader.send(b"\x7e\xa0\x07\xff")
    heard = await told
    await meter.send(b"\x7e\xa0\x1e\x80")
    return identification, heard, await reader.receive()


@in_virtual_time
async def test_a_reader_signs_on_and_all_eight_bits_pass():
    assert await talk(*port()) == (b"OAM5\\2OpenAMI", b"\x7e\xa0\x07\xff", b"\x7e\xa0\x1e\x80")


@in_virtual_time
async def test_after_a_silence_or_at_once_the_next_reader_signs_on():
    reader, meter = port(silence_s=5.0)
    first = await talk(reader, meter)
    assert await talk(reader, meter) == first


@in_virtual_time
async def test_before_a_sign_on_nothing_is_said_and_noise_is_no_request():
    reader, meter = port()
    told = asyncio.create_task(meter.receive())
    await meter.send(b"unasked")
    await reader.send(bytes(range(256)) * 4 + b"/?!")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(30):
            await reader.receive()
    await reader.send(b"\r\n")
    assert (await reader.receive()).endswith(b"OpenAMI\r\n")
    told.cancel()
