"""All mechanisms of high level security between both cores, with plain and with protected APDUs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dlms_curves import SUITES
from dlms_pair import ENERGY, ENERGY_OCTETS
from openami.model.errors import SecurityError, SettingError
from openami.protocols.dlms.errors import AssociationRejected
from openami.protocols.dlms.events import Answered, Associated, ClientAssociated, Failed
from openami.protocols.dlms.request import Get
from pairs_hls import MECHANISMS, WRONG, forged_client, pair_of, sides


@pytest.mark.parametrize("ciphered", [False, True])
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_both_sides_prove_themselves(mechanism, ciphered):
    pair = pair_of(*sides(mechanism, ciphered=ciphered))
    assert isinstance(pair.associate(), Associated)
    assert any(isinstance(event, ClientAssociated) for event in pair.server_events)
    assert pair.ask(Get(ENERGY)) == Answered(ENERGY_OCTETS)


def test_suite_2_proves_with_the_larger_curve():
    pair = pair_of(*sides("HLS7", ciphered=False, suite=SUITES[1]))
    assert isinstance(pair.associate(), Associated)


@pytest.mark.parametrize("mechanism", WRONG)
def test_a_client_that_proves_nothing_is_not_associated(mechanism):
    pair = forged_client(mechanism)
    failed = pair.associate()
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, SecurityError)
    assert not pair.server.associations
    assert not any(isinstance(event, ClientAssociated) for event in pair.server_events)


def test_another_mechanism_than_the_agreed_one_is_refused():
    client, _ = sides("HLS6", ciphered=False)
    _, association = sides("HLS7", ciphered=False)
    failed = pair_of(client, association).associate()
    assert isinstance(failed.error, AssociationRejected)
    assert "authentication-mechanism-name-not-recognised" in str(failed.error)


def test_system_titles_are_needed_where_they_are_proven():
    client, association = sides("HLS6", ciphered=False)
    with pytest.raises(SettingError, match="system_title has 0 bytes"):
        replace(client, system_title=b"")
    pinned = pair_of(client, replace(association, client_system_title=b"OAM\x00\x00\x00\x00\x09"))
    assert isinstance(pinned.associate().error, AssociationRejected)
