"""TLS on the air (mode 13): handshake and registers in fragments, within the meter's window; strangers get nothing."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime

import pytest

from openami.io.keystore.tls import client_context, issue, make_authority, server_context
from openami.io.links.tls_session import TlsSession
from openami.model.errors import LocalProtocolError
from openami.protocols.mbus.records import decode_records
from openami.protocols.mbus.wireless.address import MeterAddress
from openami.protocols.mbus.wireless.reader import WirelessReader
from openami.protocols.mbus.wireless.tls_reading import TlsReading
from tls_air import GATEWAY, METER, Air

CLOSE = bytes.fromhex("01fd1f00")
NOW = datetime.now(UTC)  # certificates are judged by the machine's clock


@pytest.fixture(scope="module")
def identities(tmp_path_factory):
    """Contexts of a meter and a gateway of one authority, and of a gateway of another."""
    folder = tmp_path_factory.mktemp("tls")
    ours, others = (make_authority(folder / name, NOW) for name in ("ours", "others"))
    meter = server_context(issue(ours, folder / "meter", METER, NOW, server=True), clients=True)
    gateway = issue(ours, folder / "gateway", "gateway.openami.localhost", NOW, server=False)
    stranger = issue(others, folder / "stranger", "gateway.openami.localhost", NOW, server=False)
    return meter, client_context(ours.certificate, gateway), client_context(ours.certificate, stranger)


def ends(meter, gateway):
    """How both make their ends of TLS."""
    return (
        lambda: TlsSession(meter, server_side=True),
        lambda: TlsSession(gateway, server_side=False, peer=METER),
    )


def test_registers_come_through_tls_in_fragments(identities):
    meter, gateway, _ = identities
    air = Air(*ends(meter, gateway))
    air.meet()
    names = [record.quantity for record in decode_records(air.reading.content)]
    assert {"volume", "volume flow", "date and time"} <= set(names)
    assert len(air.frames) > 12
    assert all(len(frame) <= 290 for frame in air.frames)
    listener = WirelessReader()
    assert all(listener.read(frame).values == () for frame in air.frames)


def test_a_valve_obeys_who_has_proved_who_he_is(identities):
    meter, gateway, _ = identities
    air = Air(*ends(meter, gateway), command=CLOSE)
    air.meet()
    assert air.device.flow.closed
    assert air.reading.content


def test_a_stranger_gets_nothing(identities):
    meter, _, stranger = identities
    air = Air(*ends(meter, stranger), command=CLOSE)
    air.meet()
    assert air.reading.content is None
    assert "TLS" in air.meter.problem
    assert "TLS" in air.reading.problem
    assert not air.device.flow.closed


@pytest.mark.parametrize("lost", [2, 6, 10])
def test_what_is_lost_ends_the_session_and_the_next_one_succeeds(identities, lost):
    meter, gateway, _ = identities
    air = Air(*ends(meter, gateway), lose=[lost])
    air.meet()
    assert air.reading.content is None
    air.meet()
    assert air.reading.content


def test_frames_for_another_meter_are_not_taken(identities):
    meter, gateway, _ = identities
    air = Air(*ends(meter, gateway))
    air.reading = TlsReading(
        GATEWAY, MeterAddress.parse("OAM.99999999.01.07"), lambda: TlsSession(gateway, server_side=False, peer=METER)
    )
    air.meet()
    assert len(air.frames) == 1


def test_nothing_is_said_before_tls_is_established(identities):
    meter, _, _ = identities
    with pytest.raises(LocalProtocolError, match="not established"):
        TlsSession(meter, server_side=True).send(b"x")
    assert meter.verify_mode is ssl.CERT_REQUIRED
