"""Announcing one's route to the root: DAO, its acknowledgement and retries (RFC 6550, sections 6.4, 6.5 and 9)."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from math import inf
from typing import Final

from openami.protocols.mesh.lollipop import START, following
from openami.protocols.mesh.parameters import MeshParameters
from openami.protocols.mesh.rpl_messages import encode_dao
from openami.protocols.mesh.rpl_options import TARGET, TRANSIT, RplTarget, TransitInformation, encode_option

REFUSED: Final = 128
_PAUSE_MAX_S: Final = 120.0
_ADDRESS_BITS: Final = 128


class Outcome(Enum):
    """What became of what was due."""

    WAIT = auto()
    SEND = auto()
    GIVE_UP = auto()


class Advertisement:
    """One station's DAOs. `due` is when `act` wants to be called; `SEND` means: send `message` to the root."""

    def __init__(self, parameters: MeshParameters, random: Callable[[int], bytes]) -> None:
        self._parameters = parameters
        self._random = random
        self._sequence = START
        self._path_sequence = START
        self._tries = 0
        self._waiting = False
        self._said = -inf
        self._pause_s = parameters.dao_pause_s
        self.acknowledged = False
        self.due = inf

    def plan(self, now: float, *, known: bool = False) -> None:
        """The parent has changed: announce it after a moment, so that what is about to change again is not said.

        `known`: the root has learned it otherwise; that all stations announce themselves has time.
        """
        planned = self._tries == 0 and not self._waiting and self.due < now + self._parameters.dao_change_delay_s * 1.5
        self._path_sequence = following(self._path_sequence)
        self._tries = 0
        self._waiting = False
        parameters = self._parameters
        delay_s = parameters.dao_change_delay_s if self.acknowledged else parameters.dao_delay_s
        due = max(now + delay_s * (0.5 + self._chance()), self._said + self._pause_s * (1 + self._chance()))
        self.due = (
            now + parameters.dao_known_delay_s * (0.5 + self._chance())
            if known
            else min(self.due, due)
            if planned
            else due
        )

    def doubt(self, now: float) -> None:
        """What was sent through the parent was not confirmed: ask the root soon whether it hears us at all."""
        if not self._waiting:
            self.due = min(self.due, now + self._parameters.dao_delay_s * (0.5 + self._chance()))

    def wanted(self, depth: int, now: float) -> None:
        """The root asks everybody: who is `depth` hops below its children waits for those above, through whom the
        acknowledgement comes.
        """
        self._waiting = False
        self._tries = 0
        self.due = now + self._parameters.dao_step_s * (depth + self._chance())

    def stop(self) -> None:
        self.acknowledged = self._waiting = False
        self.due = inf

    def forget(self) -> None:
        """Begin anew: the root that heard all this is not ours any more, and the next begins our path at its start."""
        self.stop()
        self._sequence = self._path_sequence = START
        self._said, self._pause_s = -inf, self._parameters.dao_pause_s

    def act(self, now: float) -> Outcome:
        if self.due > now:
            return Outcome.WAIT
        if self._tries >= self._parameters.dao_tries:
            self.stop()
            return Outcome.GIVE_UP
        self._sequence = following(self._sequence)
        wait_s = self._parameters.dao_ack_s * 2**self._tries
        self._tries += 1
        self._said = now
        self._pause_s = min(2 * self._pause_s, _PAUSE_MAX_S)
        self._waiting = True
        self.due = now + wait_s * (0.75 + self._chance() / 2)
        return Outcome.SEND

    def acknowledge(self, sequence: int, lifetime_s: float, now: float) -> bool:
        """An acknowledgement has come; true if it is for the last DAO. It is renewed at half its life."""
        if not self._waiting or sequence != self._sequence:
            return False
        self._waiting = False
        self._tries = 0
        self._pause_s = self._parameters.dao_pause_s
        self.acknowledged = True
        self.due = now + lifetime_s * (0.4 + self._chance() / 5)
        return True

    def message(self, instance: int, own: bytes, parent: bytes, lifetime: int) -> bytes:
        """The DAO for our address below `parent`'s; a `lifetime` of 0 takes it back."""
        target = encode_option(TARGET, RplTarget(0, _ADDRESS_BITS, own))
        transit = encode_option(TRANSIT, TransitInformation(0, 0, self._path_sequence, lifetime, parent))
        return encode_dao(instance, self._sequence, target + transit, ack_wanted=lifetime > 0)

    def _chance(self) -> float:
        return self._random(1)[0] / 256
