from __future__ import annotations

import asyncio
import os

import pytest

from openami.io.links.address import NetworkAddress, SerialAddress, open_link, parse_address
from openami.io.links.memory import memory_pair
from openami.io.links.optical import BAUDRATES, sign_on
from openami.io.links.pty import open_pty
from openami.io.links.serial import SerialSettings, open_serial, serial_settings
from openami.io.links.tcp import serve_tcp
from openami.io.links.udp import serve_udp
from openami.model.errors import ConnectFailed, DecodeError, LinkLost, LinkTimeout, SettingError


async def exactly(link, size):
    data = b""
    while len(data) < size:
        data += await link.receive()
    return data


async def test_a_pty_is_a_serial_line_without_hardware():
    inner, path = await open_pty()
    outer = await open_serial(f"{path}?baudrate=9600&parity=N")
    assert outer.peer == f"serial:{path}"
    everything = bytes(range(256))
    await outer.send(everything)
    assert await exactly(inner, 256) == everything
    await inner.send(everything)
    assert await exactly(outer, 256) == everything
    await outer.close()
    again = await open_serial(path)
    await again.send(b"next reader")
    assert await exactly(inner, 11) == b"next reader"
    await again.close()
    await inner.close()
    await inner.close()
    assert await inner.receive() == b""
    with pytest.raises(LinkLost, match="closed"):
        await inner.send(b"x")


async def test_a_flood_through_a_pty_arrives_whole():
    inner, path = await open_pty()
    outer = await open_serial(path)
    flood = os.urandom(300_000)
    sending = asyncio.create_task(inner.send(flood))
    assert await exactly(outer, len(flood)) == flood
    await sending
    sending = asyncio.create_task(outer.send(flood))
    assert await exactly(inner, len(flood)) == flood
    await sending
    await outer.close()
    await inner.close()


async def test_a_port_that_is_not_there_is_named():
    with pytest.raises(ConnectFailed, match="/dev/openami-nowhere cannot be opened: No such file"):
        await open_serial("/dev/openami-nowhere")


@pytest.mark.parametrize(
    ("query", "settings"),
    [
        ("", SerialSettings()),
        ("baudrate=300&parity=e&bytesize=7&stopbits=1", SerialSettings(300, 7, "E", 1.0)),
        ("stopbits=1.5", SerialSettings(stopbits=1.5)),
    ],
)
def test_settings(query, settings):
    assert serial_settings(query) == settings


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("baud=9600", "baud=9600: no such setting.*baudrate"),
        ("baudrate=fast", "baudrate=fast: must be a number"),
        ("baudrate=0", "baudrate=0: must be 50"),
        ("baudrate=99999999999999", "must be a number"),
        ("parity=X", "parity=X: must be N, E or O"),
        ("stopbits=3", "stopbits=3: must be 1, 1.5 or 2"),
        ("bytesize=9", "bytesize=9: must be 7 or 8"),
        ("parity=", "parity=: must be"),
        ("parity=N&parity=E", "parity is given twice"),
    ],
)
def test_wrong_settings_are_named(query, words):
    with pytest.raises(SettingError, match=words):
        serial_settings(query)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("tcp://meter.example:4060", NetworkAddress("tcp", "meter.example", 4060)),
        ("tcp://10.0.0.1", NetworkAddress("tcp", "10.0.0.1", 4059)),
        ("udp://[2001:db8::7]:4059/", NetworkAddress("udp", "2001:db8::7", 4059)),
        ("tls://openami.localhost:8443", NetworkAddress("tls", "openami.localhost", 8443)),
        ("serial:///dev/ttyUSB0", SerialAddress("/dev/ttyUSB0", SerialSettings())),
        ("serial:///dev/ttyUSB0?baudrate=19200&mode=HDLC", SerialAddress("/dev/ttyUSB0", SerialSettings(19200))),
        ("serial:///dev/ttyUSB0?mode=E", SerialAddress("/dev/ttyUSB0", SerialSettings(), optical=True)),
    ],
)
def test_addresses(text, address):
    assert parse_address(text) == address


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("meter:4059", "must begin with one of tcp://"),
        ("http://meter", "must begin with one of"),
        ("tcp://", "host is missing"),
        ("tcp://meter:0", "port must be a number from 1"),
        ("tcp://meter:99999", "port must be a number from 1"),
        ("tcp://meter:x", "port must be a number from 1"),
        ("tcp://meter/path", "nothing may stand beside"),
        ("tcp://user@meter", "nothing may stand beside"),
        ("tcp://[::1", "address 'tcp://"),
        ("serial://ttyUSB0", "three slashes"),
        ("serial:///", "three slashes"),
        ("serial:///dev/ttyUSB0?mode=C", "mode=C: must be E"),
        ("serial:///dev/ttyUSB0?speed=1", "speed=1: no such setting"),
    ],
)
def test_wrong_addresses_say_which_part(text, words):
    with pytest.raises(SettingError, match=words):
        parse_address(text)


async def echo(link):
    while data := await link.receive():
        await link.send(data)


async def test_links_by_address():
    inner, path = await open_pty()
    tcp, udp = await serve_tcp(echo, "127.0.0.1", 0), await serve_udp(echo, "127.0.0.1", 0)
    for address in (f"tcp://127.0.0.1:{tcp.port}", f"udp://127.0.0.1:{udp.port}"):
        link = await open_link(address)
        await link.send(b"hello")
        assert await link.receive() == b"hello"
        await link.close()
    line = await open_link(f"serial://{path}")
    await line.send(b"hello")
    assert await exactly(inner, 5) == b"hello"
    await line.close()
    with pytest.raises(SettingError, match="TLS needs an authority"):
        await open_link("tls://127.0.0.1:1")
    for closable in (inner, tcp, udp):
        await closable.close()


class Head:
    """One end of a memory pair that remembers how it was told to speak."""

    def __init__(self, link):
        self.peer, self.datagrams = "serial:/dev/head", False
        self.receive, self.send, self.close = link.receive, link.send, link.close
        self.spoken = []

    async def reconfigure(self, settings):
        self.spoken.append(settings.baudrate)


async def meter(link, identification, *, echoes, answers):
    request = await exactly(link, 5)
    await link.send((request if echoes else b"") + identification)
    acknowledgement = await exactly(link, 6)
    await link.send((acknowledgement if echoes else b"") + (acknowledgement if answers else b""))
    return acknowledgement


@pytest.mark.parametrize("echoes", [False, True])
@pytest.mark.parametrize("answers", [False, True])
async def test_an_optical_head_signs_on_in_mode_e(echoes, answers):
    left, right = memory_pair(piece_size=lambda: 2)
    head = Head(left)
    other = asyncio.create_task(meter(right, b"/ISK5\\2MT382-1000\r\n", echoes=echoes, answers=answers))
    assert await sign_on(head, echo_s=0.02) == b"ISK5\\2MT382-1000"
    assert await other == b"\x0625" + b"2\r\n"
    assert head.spoken == [300, 9600]
    assert BAUDRATES[ord("6")] == 19200


async def test_sign_ons_that_fail_say_why():
    left, right = memory_pair()
    with pytest.raises(LinkTimeout, match="no identification within"):
        await sign_on(Head(left), answer_s=0.01)
    await right.send(b"/ISKX\\2\r\n")
    with pytest.raises(DecodeError, match="names no speed"):
        await sign_on(Head(left))
    await right.send(b"/" + bytes(100))
    with pytest.raises(DecodeError, match="no identification in"):
        await sign_on(Head(left))
    await right.close()
    with pytest.raises(LinkLost):
        await sign_on(Head(left))


async def test_a_sign_on_by_address_closes_the_line_when_it_is_given_up():
    inner, path = await open_pty()
    opening = asyncio.create_task(open_link(f"serial://{path}?mode=E"))
    assert await exactly(inner, 5) == b"/?!\r\n"
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    again = await open_serial(path)
    await again.close()
    await inner.close()


async def test_a_sign_on_by_address_closes_the_line_when_it_fails():
    inner, path = await open_pty()
    opening = asyncio.create_task(open_link(f"serial://{path}?mode=E"))
    assert await exactly(inner, 5) == b"/?!\r\n"
    await inner.send(b"/ISK?\r\n")
    with pytest.raises(DecodeError, match="names no speed"):
        await opening
    again = await open_serial(path)
    await again.close()
    await inner.close()
