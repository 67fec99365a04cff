"""The protected conversation of two system titles: plain APDUs in, protected ones out, and back, with its counters.

An APDU is signed first, if it is signed, and then ciphered; a peer may also sign what it has ciphered. A signature
alone is not taken: it has no freshness.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from openami.model.errors import SecurityError
from openami.protocols.dlms.apdu import Apdu, decode_apdu, encode_apdu
from openami.protocols.dlms.asymmetric import AsymmetricKeys
from openami.protocols.dlms.axdr import put_length
from openami.protocols.dlms.ciphered import Ciphered, GeneralDedCiphering, GeneralGloCiphering
from openami.protocols.dlms.counters import ReceiveWindow, SendCounter
from openami.protocols.dlms.general import GeneralCiphering, GeneralHeader, GeneralSigning, signed_octets
from openami.protocols.dlms.general_ciphering import GeneralKeys, choice_of, protect_general, unprotect_general
from openami.protocols.dlms.protected_tags import (
    CIPHERED_TAGS,
    DEDICATED_TAGS,
    GENERAL_DED,
    GENERAL_GLO,
    GENERAL_SIGNING,
    GLOBAL_TAGS,
    PLAIN_TAGS,
)
from openami.protocols.dlms.protection_form import KEY_CHOICES, Form, Manner, form_of_key, overhead
from openami.protocols.dlms.security import SecurityKeys, check_system_title, protect, read_header, unprotect

_TRANSACTION_ID_SIZE: Final = 8
_INITIATE: Final = (0x01, 0x08)
_INITIATE_OCTETS: Final = (b"\x01", b"\x08")
"""InitiateRequest and InitiateResponse travel inside AARQ and AARE, ciphered alone; HLS proves the sides there."""


class SecureChannel:
    """Seals with our title and counter, opens with the peer's title and window.

    `control` is the protection of what is sealed, `required` the least of what is opened (security control bits);
    `sign` and `signature_required` say the same of signatures. Where each APDU has a key of its own, invocation
    counters begin anew with it, and `transactions`, the window of transaction-ids, takes the place of `receiving`.
    """

    __slots__ = (
        "asymmetric",
        "control",
        "dedicated_window",
        "form",
        "keys",
        "peer_system_title",
        "random",
        "receiving",
        "required",
        "sending",
        "sign",
        "signature_required",
        "system_title",
        "transactions",
    )

    def __init__(
        self,
        keys: SecurityKeys,
        system_title: bytes,
        peer_system_title: bytes,
        sending: SendCounter,
        receiving: ReceiveWindow,
        *,
        control: int,
        required: int,
        form: Form = Form.GLOBAL,
        asymmetric: AsymmetricKeys | None = None,
        random: Callable[[int], bytes] | None = None,
        transactions: ReceiveWindow | None = None,
        sign: bool = False,
        signature_required: bool = False,
        dedicated_window: ReceiveWindow | None = None,
    ) -> None:
        self.keys = keys
        self.system_title = check_system_title(system_title)
        self.peer_system_title = peer_system_title
        self.sending = sending
        self.receiving = receiving
        self.control = int(control)
        self.required = int(required)
        self.form = form
        self.asymmetric = asymmetric
        self.random = random
        self.transactions = transactions or ReceiveWindow()
        self.sign = sign
        self.signature_required = signature_required
        self.dedicated_window = dedicated_window or ReceiveWindow()

    def overhead(self, form: Form | None = None) -> int:
        """More octets than protection in `form` (our own, if None) adds to an APDU."""
        point = 0 if self.asymmetric is None else 2 * self.keys.suite.curve_size
        return overhead(form or self.form, point, sign=self.sign)

    # Sealing

    def seal(self, apdu: bytes, manner: Manner | Form | None = None) -> bytes:
        """The protected APDU that carries `apdu`; uses up one reserved number of the send counter."""
        form, transaction_id = manner if isinstance(manner, tuple) else (manner or self.form, b"")
        counter = self.sending.take()
        if self.sign and apdu[0] not in _INITIATE:
            return self._seal_signed(apdu, form, transaction_id, counter)
        return self._cipher(apdu, form, transaction_id, counter)

    def _cipher(self, apdu: bytes, form: Form, transaction_id: bytes, counter: int) -> bytes:
        choice = KEY_CHOICES.get(form)
        control = self.control | int(self.keys.suite)
        if choice is not None:
            header = self._header(transaction_id, counter)
            given = GeneralKeys(self.keys, self.asymmetric, self.random)
            return encode_apdu(protect_general(given, choice, header, counter, control, apdu))
        dedicated = form is Form.DEDICATED or form is Form.GENERAL_DEDICATED
        own = (DEDICATED_TAGS if dedicated else GLOBAL_TAGS).get(apdu[0])
        if own is None or form is Form.GENERAL_GLOBAL or form is Form.GENERAL_DEDICATED:
            out = bytearray((GENERAL_DED if dedicated else GENERAL_GLO, len(self.system_title)))
            out += self.system_title
        else:
            out = bytearray((own,))
        content = protect(self.keys, self.system_title, counter, control, apdu, dedicated=dedicated)
        put_length(len(content), out)
        out += content
        return bytes(out)

    def _header(self, transaction_id: bytes, counter: int) -> GeneralHeader:
        """A request's transaction-id is its invocation counter: never used twice, and ascending."""
        transaction_id = transaction_id or counter.to_bytes(_TRANSACTION_ID_SIZE, "big")
        return GeneralHeader(transaction_id, self.system_title, self.peer_system_title)

    def _seal_signed(self, apdu: bytes, form: Form, transaction_id: bytes, counter: int) -> bytes:
        if self.asymmetric is None:
            raise SecurityError("a signature is due, and asymmetric keys are not set")
        header = self._header(transaction_id, counter)
        signature = self.asymmetric.sign(signed_octets(header, apdu))
        return self._cipher(encode_apdu(GeneralSigning(header, apdu, signature)), form, transaction_id, counter)

    # Opening

    def open(self, apdu: Apdu) -> bytes:
        """The plain APDU inside: titles, counter, tag, signature are checked, then the counter is committed.

        Raises `SecurityError` or `DecodeError`, also for an APDU that is not a protected one.
        """
        return self.open_with_manner(apdu)[0]

    def open_with_manner(self, apdu: Apdu) -> tuple[bytes, Manner]:
        """The plain APDU inside, and how it came."""
        signed = isinstance(apdu, GeneralSigning)
        if isinstance(apdu, GeneralSigning):
            apdu = _ciphered(self._verified(apdu))
        plain, manner, window, number = self._open_ciphered(apdu)
        if plain[:1] == bytes((GENERAL_SIGNING,)) and not signed and not isinstance(apdu, Ciphered):
            plain, signed = self._verified(decode_apdu(plain)), True
        self._check_signed(signed or plain[:1] in _INITIATE_OCTETS)
        self._check_kind(apdu, plain)
        window.commit(number)
        return plain, manner

    def _open_ciphered(self, apdu: Apdu) -> tuple[bytes, Manner, ReceiveWindow, int]:
        """What the tag proves; the window and the number in it that are to be committed when all else is right."""
        if isinstance(apdu, GeneralCiphering):
            return self._open_general(apdu)
        if isinstance(apdu, Ciphered):
            dedicated = apdu.tag in _DEDICATED
            form = Form.DEDICATED if dedicated else Form.GLOBAL
        elif not isinstance(apdu, GeneralGloCiphering | GeneralDedCiphering):
            raise SecurityError(f"{type(apdu).__name__} is no ciphered APDU: refused")
        else:
            self._check_title(apdu.system_title)
            dedicated = isinstance(apdu, GeneralDedCiphering)
            form = Form.GENERAL_DEDICATED if dedicated else Form.GENERAL_GLOBAL
        window = self.dedicated_window if dedicated else self.receiving
        counter = read_header(apdu.content).invocation_counter
        window.check(counter)
        plain = unprotect(self.keys, self.peer_system_title, apdu.content, required=self.required, dedicated=dedicated)
        return plain, Manner(form), window, counter

    def _open_general(self, apdu: GeneralCiphering) -> tuple[bytes, Manner, ReceiveWindow, int]:
        self._check_header(apdu.header)
        choice, transaction_id = choice_of(apdu), apdu.header.transaction_id
        if choice.fresh:
            window, number = self.transactions, _transaction_number(transaction_id)
        else:
            window, number = self.receiving, read_header(apdu.ciphered_content).invocation_counter
        window.check(number)
        given = GeneralKeys(self.keys, self.asymmetric)
        plain = unprotect_general(given, apdu, required=self.required)
        return plain, Manner(form_of_key(choice), transaction_id), window, number

    def _verified(self, apdu: Apdu) -> bytes:
        """The content of a general-signing APDU whose signature is the peer's."""
        if not isinstance(apdu, GeneralSigning):
            raise SecurityError("what was said to be signed is not: refused")
        self._check_header(apdu.header)
        if self.asymmetric is None:
            raise SecurityError("a signed APDU came, and the public signing key of the peer is not set: refused")
        self.asymmetric.verify(signed_octets(apdu.header, apdu.content), apdu.signature)
        return apdu.content

    def _check_header(self, header: GeneralHeader) -> None:
        self._check_title(header.originator_system_title)
        if header.recipient_system_title != self.system_title:
            recipient = header.recipient_system_title.hex() or "(empty)"
            raise SecurityError(f"APDU protected for {recipient}, and this is {self.system_title.hex()}: refused")

    def _check_signed(self, signed: bool) -> None:
        if self.signature_required and not signed:
            raise SecurityError("APDU without the signature that the security policy requires: refused")

    def _check_title(self, system_title: bytes) -> None:
        if system_title != self.peer_system_title:
            raise SecurityError(
                f"system title {system_title.hex() or '(empty)'} is not that of the peer, "
                f"{self.peer_system_title.hex()}: refused"
            )

    @staticmethod
    def _check_kind(apdu: Apdu, plain: bytes) -> None:
        """What is inside is what the outer tag says, and is not ciphered again."""
        tag = plain[0] if plain else -1
        if isinstance(apdu, Ciphered) and PLAIN_TAGS.get(apdu.tag) != tag:
            raise SecurityError(f"ciphered APDU {apdu.tag:02X} holds plain APDU {tag & 0xFF:02X}: another service")
        if tag in CIPHERED_TAGS or tag < 0:
            raise SecurityError("ciphered APDU holds nothing, or another ciphered APDU")


def _ciphered(content: bytes) -> Apdu:
    """The ciphered APDU that a signed one must hold here."""
    apdu = decode_apdu(content)
    if not isinstance(apdu, Ciphered | GeneralGloCiphering | GeneralDedCiphering | GeneralCiphering):
        raise SecurityError("signed APDU that is not ciphered in a protected association: refused")
    return apdu


def _transaction_number(transaction_id: bytes) -> int:
    if not 1 <= len(transaction_id) <= _TRANSACTION_ID_SIZE:
        raise SecurityError(f"transaction-id has {len(transaction_id)} bytes, must be 1 to {_TRANSACTION_ID_SIZE}")
    return int.from_bytes(transaction_id, "big")


_DEDICATED: Final = frozenset(DEDICATED_TAGS.values())
