"""Whoever has no keys, or another meter's, and wants to be taken for somebody who has them."""

from __future__ import annotations

from itertools import permutations

from openami.app import two_seals
from openami.app.drills.conversation import KEYS, STRANGER, Conversation, client
from openami.app.drills.drill import Removal, drill, stands
from openami.app.drills.world import key_of, title_of
from openami.app.two_seals import SealKeys
from openami.field.meter.push_queue import random_of
from openami.protocols.dlms import client_association, server_association
from openami.protocols.dlms.acse import AARE, AARQ
from openami.protocols.dlms.apdu import decode_apdu
from openami.protocols.dlms.association import AssociationSettings
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.security import SecurityControl

ROGUE = "rogue meter"
LOCAL = "local port"


@drill("A032", LOCAL, Removal(client_association, "check_challenge", lambda challenge, _ours: challenge))
def our_own_challenge_is_reflected() -> None:
    conversation = Conversation()

    def reflect(sender: str, apdu: bytes) -> list[bytes]:
        if sender == "client" or apdu[0] != 0x61:
            return [apdu]
        theirs, ours = decode_apdu(apdu), decode_apdu(conversation.sent["client"][0])
        assert isinstance(theirs, AARE)
        assert isinstance(ours, AARQ)
        asked, reflected = theirs.responding_authentication_value, ours.calling_authentication_value
        return [apdu.replace(bytes(asked or b"-"), bytes(reflected or b"-"))]

    conversation.tamper = reflect
    conversation.associate()
    stands(len(conversation.sent["client"]) == 1, "our own challenge was answered for whoever sent it back")


@drill("A027", LOCAL, Removal(server_association, "verify", lambda *_: 0))
def a_client_without_keys_wants_to_come_in() -> None:
    unsealed = AssociationSettings(Authentication.HLS5, keys=KEYS)
    conversation = Conversation(client(protection=SecurityControl.NONE, keys=STRANGER), unsealed)
    conversation.associate()
    stands(not conversation.meter.associations, "a client without the keys has associated")


@drill("A011", ROGUE, Removal(two_seals, "make_key", lambda _random: key_of("fleet")))
def the_key_of_one_meter_opens_another() -> None:
    """Each meter gets a key of its own when it is made: no key opens what was sealed for a neighbour."""
    one = random_of(b"fleet")
    keys = SealKeys(lambda size: b"".join(one(1) for _ in range(size)))
    meters = [keys.meter(title_of(number)) for number in range(6)]
    for mine, other in permutations(meters, 2):
        opened = mine.agreement.shared_secret(keys.agreement.public_key)
        sealed_with = keys.agreement.shared_secret(keys.recipient(other.system_title).agreement)
        stands(opened != sealed_with, "with the key of one meter everybody's envelopes are opened")
