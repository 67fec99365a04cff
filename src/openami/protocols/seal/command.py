"""A critical command as people mean it, and as it stands in the header of the authority's general-signing APDU.

transaction-id is the authority's 64-bit counter, date-time the time of issue (UTC), other-information the `Mandate`.
All of it is under the signature.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from openami.model.errors import SecurityError, SettingError
from openami.protocols.dlms.axdr import OCTET_STRING
from openami.protocols.dlms.date_time import CosemDateTime
from openami.protocols.dlms.general import GeneralHeader
from openami.protocols.dlms.security import check_system_title
from openami.protocols.wire.declared import codec_of, declared, decode_all, encode_all
from openami.protocols.wire.integers import UNSIGNED8, UNSIGNED32, UNSIGNED64

TIME_TO_LIVE_MAX_S: Final = 86_400
CHALLENGE_SIZE: Final = 16
DIGEST_SIZE: Final = 32
COUNTER_SIZE: Final = 8
COUNTER_MAX: Final = 2**64 - 1
_VERSION: Final = 1
_EMERGENCY: Final = 1


@declared
class Mandate:
    """What the authority says beside the APDU. `flags`: bit 0 emergency, the others 0."""

    version: Annotated[int, UNSIGNED8]
    flags: Annotated[int, UNSIGNED8]
    time_to_live_s: Annotated[int, UNSIGNED32]
    execute_at: Annotated[int, UNSIGNED64]
    approval: Annotated[bytes, OCTET_STRING]
    challenge: Annotated[bytes, OCTET_STRING]
    subject: Annotated[bytes, OCTET_STRING]


@dataclass(frozen=True, slots=True)
class Command:
    """One SET or ACTION for one meter. Times are whole UTC seconds after 1970.

    `execute_at` is when the meter is to begin (0: when it arrives), before `not_after`. `approval` is the SHA-256 of
    the approval record. `challenge` is the meter's own, of a live association, for a meter whose clock is invalid.
    `subject` is the SHA-256 of the image that a firmware activation means. Raises `SettingError`.
    """

    recipient: bytes
    apdu: bytes
    issued_at: int
    time_to_live_s: int
    approval: bytes
    execute_at: int = 0
    emergency: bool = False
    challenge: bytes = b""
    subject: bytes = b""

    def __post_init__(self) -> None:
        check_system_title(self.recipient)
        if not 1 <= self.time_to_live_s <= TIME_TO_LIVE_MAX_S:
            raise SettingError(f"time_to_live_s is {self.time_to_live_s}, must be 1 to {TIME_TO_LIVE_MAX_S}")
        if self.execute_at and not self.issued_at <= self.execute_at <= self.not_after:
            raise SettingError(f"execute_at {self.execute_at} is not within {self.issued_at} to {self.not_after}")
        for name, value, sizes in (
            ("approval", self.approval, (DIGEST_SIZE,)),
            ("challenge", self.challenge, (0, CHALLENGE_SIZE)),
            ("subject", self.subject, (0, DIGEST_SIZE)),
        ):
            if len(value) not in sizes:
                raise SettingError(f"{name} has {len(value)} bytes, must be one of {sizes}")

    @property
    def not_after(self) -> int:
        """The last second in which a meter may accept it."""
        return self.issued_at + self.time_to_live_s

    @property
    def planned_at(self) -> int:
        """When it is planned to be carried out, random delay aside."""
        return self.execute_at or self.issued_at

    def header(self, originator: bytes, counter: int) -> GeneralHeader:
        """The header of its general-signing APDU."""
        mandate = Mandate(
            _VERSION,
            _EMERGENCY if self.emergency else 0,
            self.time_to_live_s,
            self.execute_at,
            self.approval,
            self.challenge,
            self.subject,
        )
        return GeneralHeader(
            counter.to_bytes(COUNTER_SIZE, "big"),
            originator,
            self.recipient,
            bytes(CosemDateTime.from_utc(self.issued_at)),
            encode_all(codec_of(Mandate), mandate),
        )


def command_of(header: GeneralHeader, apdu: bytes) -> tuple[Command, int]:
    """The command and the counter of a header whose signature holds; raises `SecurityError` or `DecodeError`."""
    mandate = decode_all(codec_of(Mandate), header.other_information)
    if mandate.version != _VERSION or mandate.flags & ~_EMERGENCY:
        raise SecurityError(f"mandate of version {mandate.version} with flags {mandate.flags:#04x} is not known here")
    if len(header.transaction_id) != COUNTER_SIZE:
        raise SecurityError(f"counter has {len(header.transaction_id)} bytes, must be {COUNTER_SIZE}")
    issued = CosemDateTime.from_bytes(header.date_time).to_utc()
    if issued is None:
        raise SecurityError("the time of issue is not one instant: refused")
    try:
        command = Command(
            header.recipient_system_title,
            apdu,
            int(issued.timestamp()),
            mandate.time_to_live_s,
            mandate.approval,
            mandate.execute_at,
            bool(mandate.flags & _EMERGENCY),
            mandate.challenge,
            mandate.subject,
        )
    except SettingError as error:
        raise SecurityError(f"the mandate cannot be: {error}") from None
    counter = int.from_bytes(header.transaction_id, "big")
    if command.header(header.originator_system_title, counter) != header:
        raise SecurityError("the header says what it says in another form than the only one: refused")
    return command, counter
