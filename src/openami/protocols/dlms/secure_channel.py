"""The protected conversation of two system titles: plain APDUs in, ciphered ones out, and back, with its counters."""

from __future__ import annotations

from enum import Enum
from typing import Final

from openami.model.errors import SecurityError
from openami.protocols.dlms.axdr import put_length
from openami.protocols.dlms.ciphered import Ciphered, GeneralDedCiphering, GeneralGloCiphering
from openami.protocols.dlms.counters import ReceiveWindow, SendCounter
from openami.protocols.dlms.security import SecurityKeys, check_system_title, protect, read_header, unprotect

OVERHEAD: Final = 40
"""More than ciphering ever adds to an APDU: tag, system title, lengths, security header, authentication tag."""

GENERAL_GLO: Final = 0xDB
GENERAL_DED: Final = 0xDC
GLOBAL_TAGS: Final = {
    0x01: 0x21,
    0x08: 0x28,
    0x0E: 0x2E,
    **{tag: tag | 0x08 for tag in (0xC0, 0xC1, 0xC2, 0xC3, 0xC4, 0xC5, 0xC7)},
}
"""Tags of plain APDUs and of their glo-ciphered forms: initiate, confirmed-service-error, GET, SET, ACTION."""
DEDICATED_TAGS: Final = {tag: tag | 0x10 for tag in (0xC0, 0xC1, 0xC2, 0xC3, 0xC4, 0xC5, 0xC7)}
PLAIN_TAGS: Final = {ciphered: tag for tags in (GLOBAL_TAGS, DEDICATED_TAGS) for tag, ciphered in tags.items()}
CIPHERED_TAGS: Final = frozenset(PLAIN_TAGS) | {GENERAL_GLO, GENERAL_DED}


def check_protected(channel: SecureChannel | None, tag: int, *, plain_allowed: frozenset[int] = frozenset()) -> bool:
    """Whether the APDU that begins with `tag` is ciphered; raises `SecurityError` where it must not be as it is."""
    if tag not in CIPHERED_TAGS:
        if channel is not None and tag not in plain_allowed:
            raise SecurityError(f"plain APDU {tag:02X} in a protected association: refused")
        return False
    if channel is None:
        raise SecurityError(f"ciphered APDU {tag:02X} in an association without ciphering: refused")
    return True


class Form(Enum):
    """Which kind of ciphered APDU carries a protected one."""

    GLOBAL = "glo"
    DEDICATED = "ded"
    GENERAL_GLOBAL = "general-glo"
    GENERAL_DEDICATED = "general-ded"


class SecureChannel:
    """Seals with our title and counter, opens with the peer's title and window.

    `control` is the protection of what is sealed, `required` the least of what is opened (security control bits).
    """

    __slots__ = ("control", "form", "keys", "peer_system_title", "receiving", "required", "sending", "system_title")

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
    ) -> None:
        self.keys = keys
        self.system_title = check_system_title(system_title)
        self.peer_system_title = peer_system_title
        self.sending = sending
        self.receiving = receiving
        self.control = int(control)
        self.required = int(required)
        self.form = form

    def seal(self, apdu: bytes, form: Form | None = None) -> bytes:
        """The ciphered APDU that carries `apdu`; uses up one reserved number of the send counter."""
        form = form or self.form
        if form is Form.GENERAL_GLOBAL or form is Form.GENERAL_DEDICATED:
            out = bytearray((GENERAL_GLO if form is Form.GENERAL_GLOBAL else GENERAL_DED, len(self.system_title)))
            out += self.system_title
        else:
            out = bytearray(((GLOBAL_TAGS if form is Form.GLOBAL else DEDICATED_TAGS)[apdu[0]],))
        dedicated = form is Form.DEDICATED or form is Form.GENERAL_DEDICATED
        control = self.control | int(self.keys.suite)
        content = protect(self.keys, self.system_title, self.sending.take(), control, apdu, dedicated=dedicated)
        put_length(len(content), out)
        out += content
        return bytes(out)

    def open(self, apdu: Ciphered | GeneralGloCiphering | GeneralDedCiphering) -> bytes:
        """The plain APDU inside: title, counter, tag are checked in this order, then the counter is committed."""
        if isinstance(apdu, Ciphered):
            dedicated = apdu.tag in _DEDICATED
        else:
            self._check_title(apdu.system_title)
            dedicated = isinstance(apdu, GeneralDedCiphering)
        counter = read_header(apdu.content).invocation_counter
        self.receiving.check(counter)
        plain = unprotect(self.keys, self.peer_system_title, apdu.content, required=self.required, dedicated=dedicated)
        self.receiving.commit(counter)
        self._check_kind(apdu, plain)
        return plain

    def _check_title(self, system_title: bytes) -> None:
        if system_title != self.peer_system_title:
            raise SecurityError(
                f"system title {system_title.hex() or '(empty)'} is not that of the peer, "
                f"{self.peer_system_title.hex()}: refused"
            )

    @staticmethod
    def _check_kind(apdu: Ciphered | GeneralGloCiphering | GeneralDedCiphering, plain: bytes) -> None:
        """What is inside is what the outer tag says, and is not ciphered again."""
        tag = plain[0] if plain else -1
        if isinstance(apdu, Ciphered) and PLAIN_TAGS.get(apdu.tag) != tag:
            raise SecurityError(f"ciphered APDU {apdu.tag:02X} holds plain APDU {tag & 0xFF:02X}: another service")
        if tag in CIPHERED_TAGS or tag < 0:
            raise SecurityError("ciphered APDU holds nothing, or another ciphered APDU")


_DEDICATED: Final = frozenset(DEDICATED_TAGS.values())
