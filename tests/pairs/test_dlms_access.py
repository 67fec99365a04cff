"""ACCESS between both cores, and notifications within an association with their confirmation."""

from __future__ import annotations

import pytest

from dlms_pair import ENERGY, ENERGY_OCTETS, NOTE, PROFILE, SECURED, Pair, Store, client_settings, note, server_settings
from openami.model.errors import LocalProtocolError, RemoteProtocolError
from openami.model.obis import ObisCode
from openami.protocols.dlms.access import AccessResponse, AccessResult, LongInvokeId
from openami.protocols.dlms.access_result import ActionResult, DataAccessResult
from openami.protocols.dlms.access_service import NO_DATA
from openami.protocols.dlms.apdu import encode_apdu
from openami.protocols.dlms.conformance import CLIENT_CONFORMANCE, Conformance
from openami.protocols.dlms.data import encode_data, null
from openami.protocols.dlms.descriptor import CosemMethodDescriptor, SelectiveAccess
from openami.protocols.dlms.errors import ServiceFailed, ServiceNotNegotiated
from openami.protocols.dlms.events import Answered, Associated, Confirmed, Failed, Notified
from openami.protocols.dlms.notification import DataNotification, EventNotificationRequest
from openami.protocols.dlms.request import Access, Action, Get, Release, Set
from pairs_ways import WAYS

ECHO = CosemMethodDescriptor(1, ObisCode(0, 0, 96, 1, 0), 1)
SELECTION = SelectiveAccess(1, encode_data(null()))


def associated(way="hls5", **changes):
    pair = Pair(WAYS[way](**changes), server_settings(Store()))
    pair.device = pair.server._settings.devices[1]
    assert isinstance(pair.associate(), Associated)
    return pair


@pytest.mark.parametrize("way", WAYS)
def test_reads_writes_and_methods_in_one_request(way):
    pair = associated(way)
    items = (
        Get(ENERGY),
        Set(NOTE, note(b"x")),
        Get(NOTE, SELECTION),
        Set(ENERGY, note(b"x"), SELECTION),
        Action(ECHO, note(b"y")),
        Action(ECHO),
    )
    done = DataAccessResult.SUCCESS
    assert pair.ask(Access(items)) == Answered(
        (
            (done, ENERGY_OCTETS),
            (done, NO_DATA),
            (done, note(b"x")),
            (DataAccessResult.READ_WRITE_DENIED, NO_DATA),
            (ActionResult.SUCCESS, note(b"y")),
            (ActionResult.SUCCESS, NO_DATA),
        )
    )
    assert pair.device.asked[2][2] == SELECTION


def test_break_on_error_does_nothing_more():
    pair = associated()
    items = (Set(ENERGY, note(b"")), Set(NOTE, note(b"x")), Get(ENERGY), Action(ECHO))
    other = DataAccessResult.OTHER_REASON
    assert pair.ask(Access(items, break_on_error=True)) == Answered(
        (
            (DataAccessResult.READ_WRITE_DENIED, NO_DATA),
            (other, NO_DATA),
            (other, NO_DATA),
            (ActionResult.OTHER_REASON, NO_DATA),
        )
    )
    assert NOTE not in pair.device.values


def test_access_that_was_not_negotiated_is_not_sent():
    pair = associated(conformance=CLIENT_CONFORMANCE & ~Conformance.ACCESS)
    with pytest.raises(ServiceNotNegotiated, match="access was not negotiated"):
        pair.client.send(Access((Get(ENERGY),)), pair.now)
    with pytest.raises(LocalProtocolError, match="at least one"):
        pair.client.send(Access(()), pair.now)
    with pytest.raises(LocalProtocolError, match="cannot stand in an ACCESS request"):
        associated().client.send(Access((Release(),)), 0.0)


def test_an_answer_that_is_too_long_is_an_exception():
    pair = associated(max_receive_pdu_size=300)
    failed = pair.ask(Access((Get(PROFILE),)))
    assert isinstance(failed.error, ServiceFailed)
    assert "the client takes 260" in str(pair.server_events[-1].error)


@pytest.mark.parametrize(
    ("identity", "results", "data", "reason"),
    [
        (2, (AccessResult(1, DataAccessResult.SUCCESS),), (NO_DATA,), "long-invoke-id is not ours"),
        (1, (), (NO_DATA,), "got 0 results"),
        (1, (AccessResult(1, DataAccessResult.SUCCESS),), (), "and 0 data"),
    ],
)
def test_answers_that_do_not_fit_the_request(identity, results, data, reason):
    pair = associated("plain")
    identity |= LongInvokeId.CONFIRMED | LongInvokeId.HIGH_PRIORITY | 0xC0
    apdu = encode_apdu(AccessResponse(identity, b"", None, data, results))
    pair.tamper = lambda sender, raw: [apdu] if sender == "server" else [raw]
    failed = pair.ask(Access((Get(ENERGY),)))
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, RemoteProtocolError)
    assert reason in str(failed.error)


# Notifications

PUSH = DataNotification(LongInvokeId.CONFIRMED | 77, None, note(b"push"))


@pytest.mark.parametrize("way", WAYS)
def test_a_push_in_an_association_is_confirmed(way):
    pair = associated(way)
    sap = pair.saps[0]
    pair.server.inform(sap, PUSH, pair.now)
    pair.run()
    (told,) = [event for event in pair.client_events if isinstance(event, Notified)]
    assert told.notification == PUSH
    assert pair.server_events[-1] == Confirmed(sap, 77)
    assert pair.ask(Get(ENERGY)) == Answered(ENERGY_OCTETS)


def test_an_unconfirmed_push_is_not_confirmed():
    pair = associated()
    pair.server.inform(SECURED, DataNotification(78, None, note(b"push")), pair.now)
    pair.run()
    assert isinstance(pair.client_events[-1], Notified)
    assert not any(isinstance(event, Confirmed) for event in pair.server_events)


@pytest.mark.parametrize("way", WAYS)
def test_an_event_is_told_with_its_attribute(way):
    pair = associated(way)
    event = EventNotificationRequest(None, ENERGY, ENERGY_OCTETS)
    pair.server.inform(pair.saps[0], event, pair.now)
    pair.run()
    assert pair.client_events[-1].notification == event


def test_nobody_is_informed_without_an_association():
    pair = Pair(client_settings())
    with pytest.raises(LocalProtocolError, match="no association that could be informed"):
        pair.server.inform(SECURED, PUSH, pair.now)
