"""A hostile relay tells the client that the meter expects ever higher counters, to use them up."""

from __future__ import annotations

import pytest

from dlms_drills import Drills
from dlms_pair import ENERGY, Pair, client_settings
from openami.protocols.dlms.apdu import encode_apdu
from openami.protocols.dlms.client_settings import ClientSettings
from openami.protocols.dlms.exception import ExceptionResponse, ExceptionServiceError, StateError
from openami.protocols.dlms.request import Get
from openami.protocols.dlms.resynchronisation import CounterQuarantined

DRILLS = Drills()


def unbounded(patch):
    made = ClientSettings.__post_init__

    def without_bound(self):
        made(self)
        object.__setattr__(self, "counter_jump_max", 1 << 40)

    patch.setattr(ClientSettings, "__post_init__", without_bound)


@DRILLS.drill(unbounded)
def the_counter_space_is_not_burnt_by_a_relay():
    settings = client_settings()
    pair = Pair(settings)
    pair.associate()
    error = ExceptionServiceError.INVOCATION_COUNTER_ERROR
    forged = encode_apdu(ExceptionResponse(StateError.SERVICE_NOT_ALLOWED, error, 0xFFFFFF00))
    pair.tamper = lambda sender, apdu: [forged] if sender == "server" else [apdu]
    pair.client.send(Get(ENERGY), pair.now)
    pair.run()
    assert pair.counters.load(settings.send_counter_name) < 10_000, "a relay has used the counter up"
    assert isinstance(pair.client_events[-1].error, CounterQuarantined)


@pytest.mark.parametrize("name", DRILLS)
def test_guard_holds(name):
    DRILLS[name].attack()


@pytest.mark.parametrize("name", DRILLS)
def test_twin_without_the_guard_falls(name, monkeypatch):
    DRILLS.fall(name, monkeypatch)
