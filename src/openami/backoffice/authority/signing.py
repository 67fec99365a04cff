"""The authority's keys, one for each role, and the counters of what they sign."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from openami.protocols.seal.approval import ApprovalRecord, CommandList
from openami.protocols.seal.closing import sign_command
from openami.protocols.seal.keys import Signer
from openami.protocols.seal.roles import Role

_NUMBER_BITS: Final = 24


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The key with which the authority speaks for `role`, and the title under which meters know it."""

    role: Role
    system_title: bytes
    signer: Signer = field(repr=False)

    def sign(
        self,
        commands: CommandList,
        record: ApprovalRecord,
        now: int,
        counter: int,
        challenges: Mapping[bytes, bytes],
    ) -> tuple[bytes, ...]:
        """Every command of the list, signed with ascending counters from `counter` on."""
        approval = record.digest()
        return tuple(
            sign_command(
                intent.command(now, approval, challenges.get(intent.recipient, b"")),
                self.system_title,
                counter + number,
                self.signer,
            )
            for number, intent in enumerate(commands.commands)
        )


def next_counter(last: int, now: float) -> int:
    """Above `last`, and above whatever was used before now: a restored backup repeats no counter."""
    return max(last + 1, int(now) << _NUMBER_BITS)
