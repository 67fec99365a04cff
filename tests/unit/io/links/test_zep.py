"""Frames in ZEP datagrams, and a radio made of UDP sockets."""

from __future__ import annotations

import asyncio
from ipaddress import IPv6Address

import pytest

from mesh_tshark import fields, need_tshark, write_pcap
from openami.io.links.packets import End, udp_packet
from openami.io.links.zep import ZEP_PORT, ZepAddress, decode_zep, encode_zep, open_zep, zep_address
from openami.model.errors import DecodeError, FrameCheckError, LinkLost, LocalProtocolError, SettingError
from openami.protocols.mesh.frame import encode_ack

PSDU = encode_ack(7)


def test_a_frame_comes_back():
    assert decode_zep(encode_zep(PSDU, 1)) == (PSDU, -40)


def test_frames_of_cc24xx_radios_bring_a_good_check_bit():
    datagram = bytearray(encode_zep(PSDU, 1))
    datagram[7] = 0
    datagram[-2:] = bytes((0xC0, 0x80))
    assert decode_zep(bytes(datagram))[0] == PSDU
    datagram[-1] = 0x7F
    with pytest.raises(FrameCheckError):
        decode_zep(bytes(datagram))


@pytest.mark.parametrize("cut", range(len(encode_zep(PSDU, 1))))
def test_what_is_cut_short_is_refused(cut):
    with pytest.raises(DecodeError):
        decode_zep(encode_zep(PSDU, 1)[:cut])


def test_a_wrong_check_sequence_and_a_long_frame_are_refused():
    datagram = bytearray(encode_zep(PSDU, 1))
    datagram[-3] ^= 1
    with pytest.raises(FrameCheckError):
        decode_zep(bytes(datagram))
    with pytest.raises(LocalProtocolError, match="127"):
        encode_zep(bytes(126), 1)


def test_an_address_names_radio_and_neighbours():
    text = "zep://127.0.0.1:17754?peer=127.0.0.1:17755&peer=[::1]:17756&channel=11"
    peers = (("127.0.0.1", 17755), ("::1", 17756))
    assert zep_address(text, "collector.mesh") == ZepAddress("127.0.0.1", 17754, peers, 11)
    assert zep_address("zep://localhost:0", "collector.mesh") == ZepAddress("localhost", 0, (), 26)


@pytest.mark.parametrize(
    "text",
    [
        "serial:///dev/ttyACM0",
        "zep://127.0.0.1",
        "zep://127.0.0.1:70000",
        "zep://127.0.0.1:1/x",
        "zep://127.0.0.1:1?peer",
        "zep://127.0.0.1:1?peer=127.0.0.1",
        "zep://127.0.0.1:1?peer=127.0.0.1:x",
        "zep://127.0.0.1:1?channel=27",
        "zep://127.0.0.1:1?channel=11&channel=12",
        "zep://127.0.0.1:1?pear=127.0.0.1:2",
    ],
)
def test_an_address_that_is_none_names_its_setting(text):
    with pytest.raises(SettingError, match=r"collector\.mesh.*zep://HOST:PORT"):
        zep_address(text, "collector.mesh")


async def test_radios_on_udp_hear_each_other():
    right = await open_zep("127.0.0.1", 0, [])
    left = await open_zep("127.0.0.1", 0, [("127.0.0.1", right.port)])
    stranger = await asyncio.get_running_loop().create_datagram_endpoint(
        asyncio.DatagramProtocol, remote_addr=("127.0.0.1", right.port)
    )
    stranger[0].sendto(b"no frame")
    assert await left.transmit(PSDU)
    assert (await right.receive())[0] == PSDU
    assert right.refused == 1
    stranger[0].close()
    await left.close()
    await right.close()
    with pytest.raises(LinkLost):
        await right.receive()
    with pytest.raises(LinkLost):
        await left.transmit(PSDU)


@need_tshark
def test_tshark_finds_the_frame_and_its_check_sequence(tmp_path):
    end = End(IPv6Address("::1"), ZEP_PORT)
    path = write_pcap(tmp_path / "zep.pcap", [udp_packet(end, end, encode_zep(PSDU, 5))], 101)
    names = ["zep.version", "zep.seqno", "wpan.seq_no", "wpan.fcs_ok", "_ws.malformed"]
    [found] = fields(path, names, "wpan.fcs_format:ITU-T CRC-16")
    assert found[:3] == ["2", "5", "7"]
    assert found[4] == ""
