"""How passes 3 and 4 of HLS travel: reply_to_HLS_authentication of the current association, by either kind of name.

With logical names it is an ACTION, with short names a Read with the proof as parameter (method 8 of Association SN
at FA00, its offset as another implementation has it; the Blue Book was not at hand).
"""

from __future__ import annotations

from typing import Any, Final

from openami.model.errors import SecurityError
from openami.protocols.dlms.access_result import ActionResult, DataAccessResult
from openami.protocols.dlms.action import ActionRequestNormal, ActionResponseNormal
from openami.protocols.dlms.apdu import Apdu
from openami.protocols.dlms.association import PASS_3
from openami.protocols.dlms.axdr import hyphenated
from openami.protocols.dlms.data import decode_data, encode_data, octet_string
from openami.protocols.dlms.request import Action, Read
from openami.protocols.dlms.short_name import ParameterizedAccess, ReadRequest, ReadResponse
from openami.protocols.dlms.short_names import REPLY_TO_HLS_AUTHENTICATION

_SELECTOR: Final = 1


class ProofRefused(SecurityError):
    """The server was not convinced by our proof."""


def proving(proof: bytes, *, short_names: bool) -> Action | Read:
    """Pass 3 of a client."""
    octets = encode_data(octet_string(proof))
    if short_names:
        return Read((ParameterizedAccess(REPLY_TO_HLS_AUTHENTICATION, _SELECTOR, octets),))
    return Action(PASS_3, octets)


def proof_of_server(answer: Any) -> bytes:
    """Pass 4 in the answer to pass 3; raises `SecurityError` or `DecodeError` if there is none."""
    named_short = isinstance(answer[0], bytes)
    result = ActionResult.SUCCESS if named_short else answer[0]
    returned = answer[0] if named_short else answer[-1]
    if result != ActionResult.SUCCESS or not isinstance(returned, bytes):
        raise ProofRefused(f"the server did not accept our proof (HLS pass 3): {hyphenated(result)}")
    proof = decode_data(returned).value
    if not isinstance(proof, bytes):
        raise SecurityError("the server's proof (HLS pass 4) is no octet-string")
    return proof


def proof_of_client(apdu: Apdu) -> bytes | None:
    """The A-XDR octets that pass 3 brings to a server; raises `SecurityError` if `apdu` is anything else."""
    if isinstance(apdu, ActionRequestNormal) and apdu.cosem_method_descriptor == PASS_3:
        return apdu.method_invocation_parameters
    if isinstance(apdu, ReadRequest) and len(apdu.variable_access_specification) == 1:
        (wanted,) = apdu.variable_access_specification
        if isinstance(wanted, ParameterizedAccess) and wanted.variable_name == REPLY_TO_HLS_AUTHENTICATION:
            return wanted.parameter
    raise SecurityError(f"{type(apdu).__name__} came before the client has proven itself: refused")


def reply(pass_3: Apdu, proof: bytes | None) -> Apdu:
    """What a server answers to `pass_3`: its own proof, or None for that it was not convinced."""
    octets = None if proof is None else encode_data(octet_string(proof))
    if isinstance(pass_3, ActionRequestNormal):
        result = ActionResult.READ_WRITE_DENIED if octets is None else ActionResult.SUCCESS
        return ActionResponseNormal(pass_3.invoke_id_and_priority, result, octets)
    return ReadResponse((DataAccessResult.READ_WRITE_DENIED if octets is None else octets,))
