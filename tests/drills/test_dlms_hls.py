"""Adversaries who have no secret, or who relay proofs; each drill has a twin with its guard removed."""

from __future__ import annotations

import pytest

from dlms_drills import Drills, forget, ignore
from dlms_pair import PASSWORD
from openami.model.errors import SettingError
from openami.protocols.dlms import asymmetric, client_association, hls_proof, server_association
from openami.protocols.dlms.action import ActionResponseNormal
from openami.protocols.dlms.apdu import decode_apdu, encode_apdu
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.client_settings import ClientSettings
from openami.protocols.dlms.data import encode_data, octet_string
from openami.protocols.dlms.events import Associated, ClientAssociated
from openami.protocols.dlms.security import Secret
from pairs_hls import forged_client, genuine_pair

DRILLS = Drills()
drill = DRILLS.drill


def not_admitted(mechanism):
    pair = forged_client(mechanism)
    pair.associate()
    assert not any(isinstance(event, ClientAssociated) for event in pair.server_events), "a stranger was admitted"


@drill(forget(hls_proof, "verify_tag", ignore))
def a_client_without_the_secret_is_not_admitted_by_md5():
    not_admitted("HLS3")


@drill(forget(hls_proof, "verify_tag", ignore))
def a_client_without_the_secret_is_not_admitted_by_sha_256():
    not_admitted("HLS6")


@drill(forget(server_association, "verify", ignore))
def a_client_without_the_function_is_not_admitted():
    not_admitted("HLS2")


@drill(forget(asymmetric, "verify_signature", ignore))
def a_client_without_the_signing_key_is_not_admitted():
    not_admitted("HLS7")


def false_meter(mechanism):
    """A meter that lets everybody in and invents its proof."""
    pair = genuine_pair(mechanism)

    def lie(sender, apdu):
        if sender == "server" and apdu[0] == 0xC7:
            answer = decode_apdu(apdu)
            size = len(answer.return_parameters) - 2
            proof = encode_data(octet_string(bytes(range(size))))
            return [encode_apdu(ActionResponseNormal(answer.invoke_id_and_priority, answer.result, proof))]
        return [apdu]

    pair.tamper = lie
    assert not isinstance(pair.associate(), Associated), "a false meter was believed"


@drill(forget(client_association, "verify", ignore))
def a_meter_without_the_secret_is_not_believed():
    false_meter("HLS6")


@drill(forget(asymmetric, "verify_signature", ignore))
def a_meter_without_the_signing_key_is_not_believed():
    false_meter("HLS7")


@drill(forget(hls_proof, "_WEAK", ()))
def broken_hashes_are_off_unless_allowed():
    for authentication in (Authentication.HLS3, Authentication.HLS4):
        with pytest.raises(SettingError, match="broken"):
            ClientSettings(authentication=authentication, hls_secret=Secret(PASSWORD))


@pytest.mark.parametrize("name", DRILLS)
def test_guard_holds(name):
    DRILLS[name].attack()


@pytest.mark.parametrize("name", DRILLS)
def test_twin_without_the_guard_falls(name, monkeypatch):
    DRILLS.fall(name, monkeypatch)
