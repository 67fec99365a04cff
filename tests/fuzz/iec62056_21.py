"""P1 telegrams and streams, data sets, encrypted telegrams. The telegrams are our own."""

from __future__ import annotations

from fuzz_targets import fuzz_target
from openami.protocols.iec62056_21.data_set import DataSet, decode_data_sets
from openami.protocols.iec62056_21.equipment import equipment_of, sub_meters_of
from openami.protocols.iec62056_21.measurements import measurements
from openami.protocols.iec62056_21.message import (
    Command,
    DataBlock,
    Identification,
    Option,
    encode_command,
    encode_data_block,
)
from openami.protocols.iec62056_21.p1 import decode_p1, encode_p1
from openami.protocols.iec62056_21.p1_encrypted import Authentication, open_p1, seal_p1
from openami.protocols.iec62056_21.p1_stream import P1Parser
from openami.protocols.iec62056_21.reader import Reader
from openami.protocols.iec62056_21.readout import Readouts
from openami.protocols.iec62056_21.tariff_device import DeviceSettings, TariffDevice
from openami.protocols.iec62056_21.telegram import decode_encrypted_bytes, decode_message_bytes, decode_p1_bytes

SETS = [
    DataSet("1-3:0.2.8", ("50",)),
    DataSet("1-0:1.8.1", ("000123.456*kWh",)),
    DataSet("0-1:24.2.1", ("240715110000S", "00042.107*m3")),
    DataSet("0-1:24.3.0", ("090212160000", "00", "60", "1", "0-1:24.2.1", "m3", "00001.001")),
    DataSet("0-1:24.1.0", ("003",)),
    DataSet("0-1:96.1.0", ("47415339",)),
    DataSet("1-0:99.97.0", ("1", "0-0:96.7.19", "240101010203W", "0000000240*s")),
    DataSet("0-0:98.1.0", ("1", "1-0:1.6.0", "1-0:1.6.0", "240201000000W", "240117183000W", "04.329*kW")),
]
TELEGRAMS = [encode_p1("OAM5METER", SETS), encode_p1("OAM5METER", SETS[1:2], checksum=False)]
SHORT = [encode_p1("OAM5", SETS[:1]), encode_p1("OAM5", SETS[:1], checksum=False)]
LINES = [one.split(b"\r\n\r\n", 1)[1].rsplit(b"!", 1)[0] for one in TELEGRAMS]
FEW = [b"1-3:0.2.8(50)\r\n1-0:1.8.1(000123.456*kWh)\r\n", b"0-1:24.2.1(240715110000S)(00042.107*m3)\r\n"]
MESSAGES = [
    encode_data_block(DataBlock("1.8.0(000123.4*kWh)\r\nC.1.0(42)\r\n!\r\n")),
    b"/OAM5METER\r\n" + encode_data_block(DataBlock("1.8.0(1*kWh)\r\n!\r\n")),
    encode_command(Command("P", "1", "(secret)")),
    encode_command(Command("R", "1", "1.8.0()")),
    b"/?42!\r\n",
    b"\x06051\r\n",
]
KEY = bytes(16)
SEALED = seal_p1(TELEGRAMS[0], b"OAM\x00\x00\x00\x00\x01", 1, KEY, Authentication.WITHOUT_KEY)


@fuzz_target("iec62056-21-data-sets", seeds=LINES)
def data_sets(octets: bytes) -> None:
    """What decodes says values that can be shown."""
    for measurement in measurements(decode_data_sets(octets.decode("latin-1"))):
        measurement.plain()


READOUTS = Readouts()


@fuzz_target("iec62056-21-shapes", seeds=FEW)
def shapes(octets: bytes) -> None:
    """What was learned from read-outs before changes nothing: the data sets are the oracle."""
    text = octets.decode("latin-1")
    expected = measurements(decode_data_sets(text))
    for _ in range(2):
        assert READOUTS.read(text) == expected


@fuzz_target("p1-telegram", seeds=TELEGRAMS)
def telegram(octets: bytes) -> None:
    """What decodes says values that can be shown, wrong checksums aside."""
    found = decode_p1(octets, check=False)
    assert found.variant
    values = measurements(found.data_sets)
    for measurement in values:
        measurement.plain()
    equipment_of(values)
    sub_meters_of(values)


SHORT_SEALED = seal_p1(b"/OAM5\r\n\r\n!\r\n", b"OAM00001", 1, KEY, Authentication.WITHOUT_KEY)


@fuzz_target("p1-stream", seeds=[*SHORT, SHORT_SEALED, SHORT_SEALED[:9] + SHORT_SEALED + SHORT[0]])
def stream(octets: bytes) -> None:
    """Whole or octet by octet: the same events."""
    whole, single = P1Parser(), P1Parser()
    events = whole.feed(octets) + whole.flush()
    assert [event for at in range(len(octets)) for event in single.feed(octets[at : at + 1])] + single.flush() == events


@fuzz_target("p1-encrypted", seeds=[SEALED])
def encrypted(octets: bytes) -> None:
    """What has the form of an encrypted telegram opens to anything."""
    open_p1(octets, KEY, Authentication.UNVERIFIED)


@fuzz_target("iec62056-21-message", seeds=MESSAGES)
def message(octets: bytes) -> None:
    """Any message is explained or refused, and each of its fields stands where the explanation says."""
    decoded = decode_message_bytes(octets)
    decoded.plain()
    assert all(0 <= span.start <= span.end <= len(octets) for span in decoded.spans)


@fuzz_target("p1-explain", seeds=[*TELEGRAMS, SEALED])
def explain(octets: bytes) -> None:
    """Any telegram is explained or refused."""
    if octets[:1] == b"\xdb":
        decode_encrypted_bytes(octets, [KEY]).plain()
    else:
        decode_p1_bytes(octets).plain()


@fuzz_target("iec62056-21-conversation", seeds=[b"/?!\r\n\x06051\r\n" + MESSAGES[2] + MESSAGES[3]])
def conversation(octets: bytes) -> None:
    """Both ends bear anything."""
    device = TariffDevice(DeviceSettings(Identification("OAM", "5", "X"), lambda: SETS, read=lambda _command: "(1)"))
    device.receive(octets, 0.0)
    reader = Reader()
    reader.sign_on(0.0, "", Option.PROGRAMMING_MODE)
    reader.receive(octets, 0.0)
    while device.data_to_send(0.0) or device.next_event() or reader.data_to_send(0.0) or reader.next_event():
        pass
