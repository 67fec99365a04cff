"""Invocation counters out of step: followed by a bounded jump, quarantined beyond it, released by a person."""

from __future__ import annotations

import pytest

from dlms_pair import CLIENT_TITLE, ENERGY, ENERGY_OCTETS, KEYS, SECURED, Pair, client_settings
from openami.model.errors import SecurityError
from openami.protocols.dlms.apdu import encode_apdu
from openami.protocols.dlms.counters import COUNTER_END, SendCounter
from openami.protocols.dlms.errors import ServiceFailed
from openami.protocols.dlms.events import Answered, Associated, Failed
from openami.protocols.dlms.exception import ExceptionResponse, ExceptionServiceError, StateError
from openami.protocols.dlms.request import Associate, Get, Release
from openami.protocols.dlms.resynchronisation import CounterQuarantined, quarantine_name, resynchronise

SETTINGS = client_settings(counter_jump_max=100)


def expecting(number):
    error = ExceptionServiceError.INVOCATION_COUNTER_ERROR
    return encode_apdu(ExceptionResponse(StateError.SERVICE_NOT_ALLOWED, error, number))


def ahead(pair, by):
    """The server's window is `by` ahead of the client's next number; its next request is refused for that."""
    client = SECURED, CLIENT_TITLE, KEYS.global_unicast_encryption_key
    name = pair.state.window_name(*client)
    pair.state.window(*client).commit(pair.client._protection.sending.upcoming + by - 1)
    return name


def associated():
    pair = Pair(SETTINGS)
    assert isinstance(pair.associate(), Associated)
    return pair


def test_a_small_jump_is_followed_and_the_request_answered():
    pair = associated()
    ahead(pair, 60)
    assert pair.ask(Get(ENERGY)) == Answered(ENERGY_OCTETS)
    assert pair.ask(Get(ENERGY)) == Answered(ENERGY_OCTETS)
    assert pair.counters.load(SETTINGS.send_counter_name) > 60


def test_a_large_jump_is_quarantined_until_a_person_resynchronises():
    pair = associated()
    ahead(pair, 5000)
    failed = pair.ask(Get(ENERGY))
    assert isinstance(failed.error, CounterQuarantined)
    assert "Read the counter under HLS" in str(failed.error)
    with pytest.raises(CounterQuarantined):
        pair.client.send(Get(ENERGY), pair.now)
    assert pair.counters.load(SETTINGS.send_counter_name) < 200
    again = Pair(SETTINGS, counters=pair.counters, state=pair.state)
    with pytest.raises(CounterQuarantined, match="is quarantined"):
        again.client.send(Associate(), again.now)
    resynchronise(pair.counters, SETTINGS, failed.error.expected)
    released = Pair(SETTINGS, counters=pair.counters, state=pair.state)
    assert isinstance(released.associate(), Associated)
    assert released.ask(Get(ENERGY)) == Answered(ENERGY_OCTETS)


def test_many_small_jumps_of_one_session_are_one_large_one():
    pair = associated()
    ahead(pair, 60)
    assert pair.ask(Get(ENERGY)) == Answered(ENERGY_OCTETS)
    ahead(pair, 60)
    assert isinstance(pair.ask(Get(ENERGY)).error, CounterQuarantined)


@pytest.mark.parametrize("when", ["associating", "authenticating", "releasing"])
def test_a_jump_at_every_step(when):
    pair = Pair(SETTINGS)
    step = {"associating": 0x61, "authenticating": 0xCF, "releasing": 0x63}[when]
    told = []

    def once(sender, apdu):
        if sender == "server" and apdu[0] == step and not told:
            told.append(apdu)
            return [expecting(pair.client._protection.sending.upcoming + 10)]
        return [apdu]

    if when == "releasing":
        pair.associate()
    pair.tamper = once
    before = pair.client._protection.sending.upcoming
    pair.ask(Release() if when == "releasing" else Associate())
    assert told
    assert pair.client._protection.sending.upcoming >= before + 10


def test_a_server_that_goes_on_refusing_is_an_error():
    pair = associated()
    pair.tamper = lambda sender, apdu: (
        [apdu] if sender == "client" else [expecting(pair.client._protection.sending.upcoming + 1)]
    )
    failed = pair.ask(Get(ENERGY))
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, ServiceFailed)


def test_a_lower_counter_moves_nothing():
    pair = associated()
    before = pair.client._protection.sending.upcoming
    pair.tamper = lambda sender, apdu: [apdu] if sender == "client" else [expecting(0)]
    assert isinstance(pair.ask(Get(ENERGY)).error, ServiceFailed)
    assert pair.client._protection.sending.upcoming == before + 1


def test_resynchronising_never_goes_backwards_and_never_too_far():
    pair = associated()
    name = SETTINGS.send_counter_name
    before = pair.counters.load(name)
    resynchronise(pair.counters, SETTINGS, 0)
    assert pair.counters.load(name) == before
    assert pair.counters.load(quarantine_name(SETTINGS)) == 0
    with pytest.raises(SecurityError, match="cannot be"):
        resynchronise(pair.counters, SETTINGS, COUNTER_END)


def test_a_send_counter_only_advances():
    counter = SendCounter("x", 10)
    counter.advance(5)
    assert counter.upcoming == 10
    counter.advance(20)
    assert (counter.upcoming, counter.available) == (20, 0)
    counter.reserved(counter.reservation())
    assert counter.take() == 20
