"""What to look at when a server refuses an association: its diagnostic in words for whoever set the client up.

A refusal tells an adversary little, and so an operator too: what can be the matter depends on how the client proves
itself. The server's own log says which of it it was.
"""

from __future__ import annotations

from openami.protocols.dlms.acse import AcseServiceUser
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.client_settings import ClientSettings

_BY_SECRET = (Authentication.HLS2, Authentication.HLS3, Authentication.HLS4, Authentication.HLS6)


def advice(diagnostic: int, settings: ClientSettings) -> str:
    """What to do about a refusal."""
    client, name = settings.client_sap, settings.authentication.name.lower()
    title = settings.system_title.hex() or "(none)"
    another_way = f"client {client} proves itself in another way there than by {name}: try another authentication"
    words = {
        AcseServiceUser.CALLING_AP_TITLE_NOT_RECOGNIZED: (
            f"client {client} has another system title there than our {title}"
        ),
        AcseServiceUser.CALLED_AP_TITLE_NOT_RECOGNIZED: (
            f"there is no logical device at server SAP {settings.server_sap}; 1 is the management logical device"
        ),
        AcseServiceUser.AUTHENTICATION_MECHANISM_NAME_NOT_RECOGNISED: another_way,
        AcseServiceUser.AUTHENTICATION_MECHANISM_NAME_REQUIRED: another_way,
        AcseServiceUser.APPLICATION_CONTEXT_NAME_NOT_SUPPORTED: _on_context(settings),
        AcseServiceUser.AUTHENTICATION_FAILURE: _on_failure(settings),
    }
    unknown = f"does the meter know client {client}, and is the authentication ({name}) right for it?"
    return next((text for known, text in words.items() if known == diagnostic), unknown)


def advice_on_proof(settings: ClientSettings) -> str:
    """What to do when the server does not accept our proof of HLS, after it could read our AARQ."""
    if settings.authentication in _BY_SECRET:
        return f"is the secret of {settings.authentication.name} that of client {settings.client_sap}?"
    if settings.authentication is Authentication.HLS7:
        return f"does the meter hold the certificate of our signing key for client {settings.client_sap}?"
    return f"are the keys those of client {settings.client_sap}, and is the meter's system title right?"


def _on_context(settings: ClientSettings) -> str:
    if settings.ciphered:
        return "keys are set, so ciphering was asked for: leave them out if the meter does not cipher here"
    return f"client {settings.client_sap} of the meter ciphers: set its encryption key and authentication key"


def _on_failure(settings: ClientSettings) -> str:
    client = settings.client_sap
    if not settings.ciphered:
        return f"is the password that of client {client}?"
    keys = settings.keys
    suite = 0 if keys is None else int(keys.suite)
    return (
        f"are the keys those of client {client}, of suite {suite}, and is its security policy no stronger than ours? "
        "If they are and were used elsewhere, our counter lies behind: give a higher invocation counter"
    )
