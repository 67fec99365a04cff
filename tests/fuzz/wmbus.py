"""Wireless M-Bus frames and what they carry. The messages are our own and published examples (MIT)."""

from __future__ import annotations

from fuzz_targets import fuzz_target
from openami.protocols.mbus.wireless.drivers.catalogue import own_drivers
from openami.protocols.mbus.wireless.formats import FormatStore, encode_compact, encode_format
from openami.protocols.mbus.wireless.frame_format import decode_frame
from openami.protocols.mbus.wireless.keys import KeyStore
from openami.protocols.mbus.wireless.reader import WirelessReader
from openami.protocols.mbus.wireless.telegram import WirelessDecoder, looks_like_wireless

KEY = bytes(range(16))
RECORDS = bytes.fromhex("0413c409000002fd1700008d04ee130b3bfe990000520000100000")
COMPACT = encode_compact(bytes.fromhex("0413c409000002fd170000"))
TELEGRAMS = [
    bytes.fromhex(text)
    for text in (
        "2E44931578563412330333637A2A0020255923C95AAA26D1B2E7493BC2AD013EC4A6F6D3529B520EDFF0EA6DEFC955B29D6D69EBF3EC8A",
        "1444AE0C7856341201078C2027780B134365877AC5",
        "1944931578563412330378" + "0413c409000002fd170000" + "01fd0c05",
        "24442D2C692845631B168D3050209CD621B006B1140AEF4953AE5B86FAFC0B00E70705B846",
        "2D44934444332211553769EF7288776655934455080004100500DFE227F9A782146D1513581CD2F83F39040CFD1040C4785634128134",
    )
]


DECODER = WirelessDecoder([KEY])
READER = WirelessReader(KeyStore([KEY]))
"""One for all inputs: formats, fragments and plans of thousands of broken telegrams are kept, and bounded."""


@fuzz_target("wmbus-telegram", TELEGRAMS)
def telegram(data: bytes) -> None:
    looks_like_wireless(data)
    DECODER.decode(data).plain()


@fuzz_target("wmbus-content", [b"\x2f\x2f" + RECORDS, RECORDS, COMPACT])
def content(data: bytes) -> None:
    """Bytes without checksums in front of the records, so that the mutator reaches them."""
    header = bytes.fromhex("44931578563412330378")
    raw = bytes((len(header) + len(data[:200]),)) + header + data[:200]
    READER.read(raw)


@fuzz_target("wmbus-frame", TELEGRAMS)
def frame(data: bytes) -> None:
    decode_frame(data)


@fuzz_target("wmbus-format", [encode_format(bytes.fromhex("0413c409000002fd170000"))])
def format_telegram(data: bytes) -> None:
    store = FormatStore()
    store.learn_format(data)
    assert len(store) == 1


@fuzz_target("wmbus-driver", [test.telegram for driver in own_drivers() for test in driver.tests])
def driver_telegram(data: bytes) -> None:
    """The maker's own bytes are changed, the header leads to the driver still."""
    whole = data[:250]
    READER.read(bytes((len(whole) - 1,)) + whole[1:] if whole else whole)
