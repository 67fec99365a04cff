"""Envelopes, and what stands in them, on their way into a meter that trusts all keys: only our refusals leave."""

from __future__ import annotations

from contextlib import suppress

import seal_keys as keys
from fuzz_targets import fuzz_target
from openami.model.errors import SecurityError
from openami.protocols.dlms.general import GeneralHeader
from openami.protocols.seal.approval import ApprovalRecord, CommandList, Intent
from openami.protocols.seal.command import command_of
from openami.protocols.seal.opening import CommandRefused, open_command
from openami.protocols.seal.verbs import request_of, verb_of
from openami.protocols.wire.declared import codec_of, decode_all, encode_all

HEADER = keys.COMMAND.header(keys.AUTHORITY, 1)
LIST = CommandList(bytes(16), 1, "winter", (Intent(keys.METER, keys.DISCONNECT, 900),))
RECORD = ApprovalRecord(bytes(32), "anna", "bela", "winter", keys.NOW)


@fuzz_target("seal-envelope", [keys.envelope(), keys.signed()], inputs=50_000)
def envelope(octets: bytes) -> None:
    """Nothing opens but the genuine envelope."""
    with suppress(CommandRefused):
        open_command(octets, keys.METER_SEAL, keys.MOMENT, keys.never)
        assert octets == keys.envelope()


@fuzz_target("seal-mandate", [HEADER.other_information])
def mandate(octets: bytes) -> None:
    """Whatever an authority might sign: a command or a refusal."""
    with suppress(SecurityError):
        header = GeneralHeader(HEADER.transaction_id, keys.AUTHORITY, keys.METER, HEADER.date_time, octets)
        command, counter = command_of(header, keys.DISCONNECT)
        assert command.header(keys.AUTHORITY, counter) == header


@fuzz_target("seal-request", [keys.DISCONNECT, keys.RECONNECT, keys.ACTIVATE])
def request(octets: bytes) -> None:
    """Whatever an authority might sign: a verb of the closed list, or a refusal."""
    with suppress(SecurityError):
        assert verb_of(request_of(octets))


@fuzz_target("seal-approval-record", [encode_all(codec_of(ApprovalRecord), RECORD)], inputs=50_000)
def approval_record(octets: bytes) -> None:
    """Who has approved."""
    record = decode_all(codec_of(ApprovalRecord), octets)
    assert decode_all(codec_of(ApprovalRecord), encode_all(codec_of(ApprovalRecord), record)) == record


@fuzz_target("seal-command-list", [encode_all(codec_of(CommandList), LIST)], inputs=50_000)
def command_list(octets: bytes) -> None:
    """What is approved."""
    commands = decode_all(codec_of(CommandList), octets)
    assert decode_all(codec_of(CommandList), encode_all(codec_of(CommandList), commands)) == commands
