"""A wired bus in memory: one primary, any number of secondaries that all hear it; who speaks at once collides."""

from __future__ import annotations

from openami.protocols.mbus.wired.events import DataReceived, ReadoutRequested
from openami.protocols.mbus.wired.primary import WiredPrimary
from openami.protocols.mbus.wired.secondary import WiredSecondary

STEPS_MAX = 200_000


class BusMeter:
    """A secondary with what it tells and what it was told."""

    def __init__(self, address, meter, telegrams, alarms=()):
        self.core = WiredSecondary(address, meter)
        self.telegrams = telegrams
        self.alarms = alarms
        self.readouts = 0
        self.told = []

    def serve(self, now):
        while (event := self.core.next_event()) is not None:
            if isinstance(event, ReadoutRequested):
                self.readouts += not event.alarm
                self.core.send(self.alarms if event.alarm else self.telegrams, now)
            elif isinstance(event, DataReceived):
                self.told.append((event.ci, event.data))
                if event.ci == 0x51 and event.data[:2] == b"\x01\x7a":
                    self.core.address = event.data[2]


class Bus:
    """One line, on which meters answer `skew` bytes one after the other.

    `change` sees the bytes of each turn towards the primary and gives what arrives instead; `echo` as some heads.
    """

    def __init__(self, meters, *, timing=None, echo=False, change=None, to_meters=None, skew=1):
        self.primary = WiredPrimary(timing)
        self.meters = list(meters)
        self.echo = echo
        self.change = change or (lambda data: data)
        self.to_meters = to_meters or (lambda data: data)
        self.skew = skew
        self.now = 0.0
        self.steps = 0

    def perform(self, procedure):
        """The result of a procedure."""
        outcome = None
        while True:
            try:
                request = procedure.send(outcome)
            except StopIteration as done:
                return done.value
            outcome = self.ask(request)

    def ask(self, request):
        """The outcome of one request."""
        self.primary.send(request, self.now)
        while True:
            if (event := self.primary.next_event()) is not None:
                return event
            self.steps += 1
            assert self.steps < STEPS_MAX, "an endless loop"
            self._turn()

    def _turn(self):
        data = self.primary.data_to_send(self.now)
        if not data:
            self._wait()
            return
        answers = []
        heard = self.to_meters(data)
        for meter in self.meters:
            meter.core.receive(heard, self.now)
            meter.serve(self.now)
            if answer := meter.core.data_to_send(self.now):
                answers.append(answer)
        back = self.change(collided([_late(answer, self.skew * index) for index, answer in enumerate(answers)]))
        if self.echo:
            back = data + back
        if back:
            self.primary.receive(back, self.now)

    def _wait(self):
        due = [core.next_timeout() for core in (self.primary, *(meter.core for meter in self.meters))]
        self.now = min(at for at in due if at is not None)
        for core in (self.primary, *(meter.core for meter in self.meters)):
            core.handle_timeout(self.now)


def _late(answer, octets):
    return b"\xff" * octets + answer


def collided(answers):
    """On the bus a marked bit is drawn current: those of all add up, and a 0 of one wins."""
    size = max(map(len, answers), default=0)
    line = bytearray(b"\xff" * size)
    for answer in answers:
        for at, byte in enumerate(answer):
            line[at] &= byte
    return bytes(line)
