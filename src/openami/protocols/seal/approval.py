"""What people approve, octet by octet: the exact list of commands; and the record of who approved it.

The SHA-256 of the list is what a passkey signs. The SHA-256 of the record stands in every command of the list under
the authority's signature, and the guard is given the record beside the commands.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated, Final

from openami.model.errors import SettingError
from openami.protocols.dlms.axdr import BOOLEAN, OCTET_STRING, sequence_of
from openami.protocols.seal.command import Command
from openami.protocols.wire.cursor import Cursor
from openami.protocols.wire.declared import Codec, codec_of, declared, encode_all
from openami.protocols.wire.integers import UNSIGNED8, UNSIGNED32, UNSIGNED64

COMMANDS_MAX: Final = 2_000
_REQUEST: Final = b"OpenAMI command request 1\n"
_APPROVAL: Final = b"OpenAMI command approval 1\n"


def _take_text(cursor: Cursor) -> str:
    start = cursor.position
    try:
        return OCTET_STRING.decode(cursor).decode()
    except UnicodeDecodeError:
        raise cursor.error("this is no UTF-8", back=cursor.position - start) from None


def _put_text(value: str, out: bytearray) -> None:
    OCTET_STRING.encode(value.encode(), out)


TEXT: Final = Codec("text", _take_text, _put_text)


@declared
class Intent:
    """One command that is asked for: what `Command` says, without the moment in which it is signed."""

    recipient: Annotated[bytes, OCTET_STRING]
    apdu: Annotated[bytes, OCTET_STRING]
    time_to_live_s: Annotated[int, UNSIGNED32]
    execute_at: Annotated[int, UNSIGNED64] = 0
    emergency: Annotated[bool, BOOLEAN] = False
    subject: Annotated[bytes, OCTET_STRING] = b""

    def command(self, issued_at: int, approval: bytes, challenge: bytes = b"") -> Command:
        """The command, issued now under an approval; raises `SettingError` or `SecurityError`."""
        return Command(
            self.recipient,
            self.apdu,
            issued_at,
            self.time_to_live_s,
            approval,
            self.execute_at,
            self.emergency,
            challenge,
            self.subject,
        )


@declared
class CommandList:
    """The exact commands of one request, for which authority key (`role`), under which emergency plan (or none)."""

    request: Annotated[bytes, OCTET_STRING]
    role: Annotated[int, UNSIGNED8]
    plan: Annotated[str, TEXT]
    commands: Annotated[tuple[Intent, ...], sequence_of(codec_of(Intent))]

    def check(self) -> None:
        """Raise `SettingError` for a list that is empty or too long."""
        if not 1 <= len(self.commands) <= COMMANDS_MAX:
            raise SettingError(f"a request has 1 to {COMMANDS_MAX} commands, not {len(self.commands)}")

    def request_challenge(self) -> bytes:
        """What the passkey of the person who asks signs."""
        return sha256(_REQUEST + encode_all(codec_of(CommandList), self)).digest()

    def approval_challenge(self) -> bytes:
        """What the passkey of the person who approves signs; never the same as the other."""
        return sha256(_APPROVAL + encode_all(codec_of(CommandList), self)).digest()


@declared
class ApprovalRecord:
    """Who asked and who approved which list, when. `approver` is empty where the rules allow one person alone."""

    commands: Annotated[bytes, OCTET_STRING]
    requester: Annotated[str, TEXT]
    approver: Annotated[str, TEXT]
    plan: Annotated[str, TEXT]
    approved_at: Annotated[int, UNSIGNED64]

    def digest(self) -> bytes:
        """SHA-256 of the record: the approval hash of its commands."""
        return sha256(encode_all(codec_of(ApprovalRecord), self)).digest()

    @property
    def persons(self) -> tuple[str, ...]:
        """Everybody who took part."""
        return tuple(person for person in (self.requester, self.approver) if person)
