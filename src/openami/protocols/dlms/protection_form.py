"""In which kind of ciphered APDU a protected one travels, and what that adds to it."""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple

from openami.protocols.dlms.general_ciphering import KeyChoice

OVERHEAD: Final = 40
"""More than glo-, ded- and general-glo-ciphering ever add to an APDU: titles, lengths, security header, tag."""
_GENERAL: Final = 64
"""More than general-ciphering with an identified key adds, or general-signing without its signature."""


class Form(Enum):
    """Which kind of ciphered APDU carries a protected one."""

    GLOBAL = "glo"
    DEDICATED = "ded"
    GENERAL_GLOBAL = "general-glo"
    GENERAL_DEDICATED = "general-ded"
    GENERAL_IDENTIFIED = "general-ciphering, identified key"
    GENERAL_WRAPPED = "general-ciphering, wrapped key"
    GENERAL_ONE_PASS = "general-ciphering, C(1e, 1s)"
    GENERAL_STATIC = "general-ciphering, C(0e, 2s)"


KEY_CHOICES: Final = {
    Form.GENERAL_IDENTIFIED: KeyChoice.IDENTIFIED,
    Form.GENERAL_WRAPPED: KeyChoice.WRAPPED,
    Form.GENERAL_ONE_PASS: KeyChoice.ONE_PASS,
    Form.GENERAL_STATIC: KeyChoice.STATIC,
}
_FORMS: Final = {choice: form for form, choice in KEY_CHOICES.items()}
GENERAL_FORMS: Final = frozenset(Form) - {Form.GLOBAL, Form.DEDICATED}
"""They need general-protection in the conformance block."""


def form_of_key(choice: KeyChoice) -> Form:
    """The form of general-ciphering that finds its key by `choice`."""
    return _FORMS[choice]


class Manner(NamedTuple):
    """How a request came, so that its answer can go the same way; an answer has the transaction-id of its request."""

    form: Form
    transaction_id: bytes = b""


def overhead(form: Form, point: int, *, sign: bool) -> int:
    """More octets than protection in `form` adds to an APDU.

    `point` is the size in octets of a point of the suite's curve, and of a signature; 0 without asymmetric keys.
    """
    size = OVERHEAD if form not in KEY_CHOICES else OVERHEAD + _GENERAL
    if form is Form.GENERAL_ONE_PASS:
        size += 2 * point
    return size + _GENERAL + point if sign else size
