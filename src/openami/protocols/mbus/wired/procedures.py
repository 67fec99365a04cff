"""What is done on a bus in several requests, without I/O and without a clock.

A procedure is a generator: it yields a `Request` and is sent its `Outcome`; its return value is the result. Whoever
runs it owns the link: `openami.io.links.mbus` over a link, a loop in tests.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias, TypeVar

from openami.model.errors import DecodeError, LimitExceeded, LinkTimeout, LocalProtocolError, ServiceError
from openami.protocols.mbus.application import BAUD_RATES, Application, Content, decode_application
from openami.protocols.mbus.encode import date_time_record
from openami.protocols.mbus.selected_application import SelectedApplication
from openami.protocols.mbus.wired.events import (
    Answered,
    Disturbed,
    Initialise,
    Outcome,
    Request,
    RequestData,
    SendData,
    Silent,
)
from openami.protocols.mbus.wired.frame import NETWORK_LAYER, PRIMARY_MAX, LongFrame
from openami.protocols.mbus.wired.selection import ANY, DIGITS, SELECT, Selection
from openami.protocols.mbus.wireless.address import MeterAddress

T = TypeVar("T")
Procedure: TypeAlias = Generator[Request, Outcome, T]

TELEGRAMS_MAX = 64
PROBES_MAX = 20_000
APPLICATION_RESET = 0x50
APPLICATION_REQUEST = 0x54
DATA_SEND = 0x51


class MbusRefusal(ServiceError):
    """The meter understood the frame and answered with an application error; the message has its words."""


class Disturbance(LinkTimeout):
    """Bytes came back that are no answer: a collision or a bad line."""


@dataclass(frozen=True, slots=True)
class Found:
    """A meter that a scan met. `address` is its primary address, or `NETWORK_LAYER` after a search by selection."""

    address: int
    meter: MeterAddress | None
    application: Application | None


@dataclass(frozen=True, slots=True)
class SearchResult:
    """`found` in the order of the search; `unresolved` are selections under which several still speak at once."""

    found: tuple[Found, ...]
    unresolved: tuple[Selection, ...]
    probes: int


def read_out(
    address: int, *, initialise: bool = True, telegrams_max: int = TELEGRAMS_MAX
) -> Procedure[list[Application]]:
    """All telegrams of a meter, until one says that no more follow.

    Raises `LinkTimeout` if it is silent, `Disturbance` for answers that are none or end too early, `MbusRefusal` for an
    application error, `DecodeError` for data that cannot be read, `LimitExceeded` after `telegrams_max` telegrams.
    """
    if initialise:
        yield Initialise(address)
    telegrams: list[Application] = []
    while len(telegrams) < telegrams_max:
        application = _application((yield RequestData(address)))
        if application is None:
            if telegrams:
                raise Disturbance(f"meter {address} said that more telegrams follow, and then had none")
            return telegrams
        telegrams.append(application)
        if application.records is None or not application.records.more_records_follow:
            return telegrams
    raise LimitExceeded(f"meter {address} has more than {telegrams_max} telegrams", 0)


def read_selected(selection: Selection) -> Procedure[list[Application]]:
    """Select one meter and read it out; raises `LinkTimeout` if none is meant, and what `read_out` raises."""
    yield from select(selection)
    return (yield from read_out(NETWORK_LAYER, initialise=False))


def select(selection: Selection) -> Procedure[None]:
    """Select; the meter answers at `NETWORK_LAYER` from then on. Raises `LinkTimeout` if none is meant."""
    yield from _acknowledged(SendData(NETWORK_LAYER, SELECT, bytes(selection)))


def read_alarms(address: int) -> Procedure[Application | None]:
    """The meter's alarm telegram, `None` if it has nothing to alarm about."""
    return _application((yield RequestData(address, alarm=True)))


def send_records(address: int, records: bytes) -> Procedure[None]:
    """Write settings: records with the values to set (SND_UD with CI 51)."""
    yield from _acknowledged(SendData(address, DATA_SEND, records))


def set_primary_address(address: int, new: int) -> Procedure[None]:
    """Give the meter at `address` another primary address."""
    if not 0 <= new <= PRIMARY_MAX:
        raise LocalProtocolError(f"primary address {new}: must be 0 to {PRIMARY_MAX}")
    yield from send_records(address, bytes((0x01, 0x7A, new)))


def set_identification(address: int, identification: str) -> Procedure[None]:
    """Give the meter another identification number of eight digits."""
    yield from send_records(address, b"\x0c\x79" + bytes(Selection(identification))[:4])


def reset_application(address: int, selected: SelectedApplication | None = None) -> Procedure[None]:
    """Start the application anew, or choose which of its data are read from now on."""
    yield from _acknowledged(SendData(address, APPLICATION_RESET, b"" if selected is None else bytes(selected)))


def selected_application(address: int) -> Procedure[SelectedApplication | None]:
    """What the meter tells now, `None` if it does not say; raises `MbusRefusal` if it knows no applications."""
    yield from _acknowledged(SendData(address, APPLICATION_REQUEST))
    application = _application((yield RequestData(address)))
    return None if application is None else application.selected


def set_clock(address: int, moment: datetime) -> Procedure[None]:
    """Set the meter's clock; it knows no zone, and seconds are dropped."""
    yield from send_records(address, date_time_record(moment))


def refusal(address: int) -> Procedure[str]:
    """Why the meter does not do what it acknowledged, in words; empty if it says nothing against it.

    A meter tells it in place of its next data, so those are read here.
    """
    try:
        _application((yield RequestData(address)))
    except MbusRefusal as error:
        return str(error)
    return ""


def switch_baud_rate(address: int, baud_rate: int) -> Procedure[None]:
    """Ask for another speed. The acknowledgement comes at the old one; the line has to follow afterwards."""
    for ci, known in BAUD_RATES.items():
        if known == baud_rate:
            yield from _acknowledged(SendData(address, ci))
            return
    raise LocalProtocolError(f"{baud_rate} baud: an M-Bus has {', '.join(map(str, BAUD_RATES.values()))}")


def scan(addresses: Iterable[int] = range(1, PRIMARY_MAX + 1)) -> Procedure[list[Found]]:
    """Who answers at primary addresses. A meter that acknowledges and cannot be read is found without its name."""
    found: list[Found] = []
    for address in addresses:
        outcome = yield Initialise(address)
        if isinstance(outcome, Silent):
            continue
        answer = yield RequestData(address)
        if isinstance(outcome, Answered) or not isinstance(answer, Silent):
            found.append(_found(address, answer))
    return found


def search(
    start: Selection | None = None, *, thorough: bool = False, probes_max: int = PROBES_MAX
) -> Procedure[SearchResult]:
    """Find meters by selection with wildcards, from `start` on, digit by digit wherever several answer at once.

    Answers that overlay bit by bit can look like one: a `thorough` search goes on behind each to the last digit.
    Raises `LimitExceeded` after `probes_max` selections, which only an endlessly disturbed line needs.
    """
    state = _Search(probes_max, thorough=thorough)
    yield from _descend(state, start or Selection(), 0)
    yield Initialise(NETWORK_LAYER)
    return SearchResult(tuple(state.found.values()), tuple(state.unresolved), state.probes)


class _Search:
    def __init__(self, probes_max: int, *, thorough: bool) -> None:
        self.thorough = thorough
        self.probes_max = probes_max
        self.probes = 0
        self.found: dict[bytes, Found] = {}
        self.unresolved: list[Selection] = []

    def count(self) -> None:
        self.probes += 1
        if self.probes > self.probes_max:
            raise LimitExceeded(f"more than {self.probes_max} selections; the line may be disturbed", 0)


def _descend(state: _Search, selection: Selection, depth: int) -> Procedure[bool]:
    """Find all that `selection` means, whose digits before `depth` are settled; whether anything was heard."""
    state.count()
    answer = yield from _probe(selection)
    if isinstance(answer, Silent):
        return False
    number = selection.identification
    wildcard = number.find(ANY, depth)
    if isinstance(answer, Answered) and (one := _found(NETWORK_LAYER, answer)).meter is not None:
        if not state.thorough or wildcard < 0:
            state.found.setdefault(one.meter.link_order, one)
            return True
    elif wildcard < 0:
        state.unresolved.append(selection)
        return True
    heard = False
    for digit in DIGITS:
        narrower = replace(selection, identification=number[:wildcard] + digit + number[wildcard + 1 :])
        heard |= yield from _descend(state, narrower, wildcard + 1)
    if not heard:  # an F of the meter's own, which cannot be told from the wildcard: the next digits have to tell
        yield from _descend(state, selection, wildcard + 1)
    return True


def _probe(selection: Selection) -> Procedure[Outcome]:
    """What a selection brings: the data of who is selected, silence, or a disturbance."""
    outcome = yield SendData(NETWORK_LAYER, SELECT, bytes(selection), repeats=1)
    if not isinstance(outcome, Answered):
        return outcome
    answer = yield RequestData(NETWORK_LAYER)
    # Who acknowledged and then is not heard was several at once, whose bytes the line has swallowed.
    return Disturbed(outcome.request, b"", "selected, but silent") if isinstance(answer, Silent) else answer


def _found(address: int, outcome: Outcome) -> Found:
    if isinstance(outcome, Answered) and isinstance(outcome.frame, LongFrame):
        try:
            application = decode_application(outcome.frame.ci, outcome.frame.data)
        except DecodeError:
            return Found(address, None, None)
        return Found(address, application.address, application)
    return Found(address, None, None)


def _application(outcome: Outcome) -> Application | None:
    """The content of an answer; `None` for an acknowledgement, which says that there is nothing."""
    if not isinstance(outcome, Answered):
        raise _failure(outcome)
    if not isinstance(outcome.frame, LongFrame):
        return None
    application = decode_application(outcome.frame.ci, outcome.frame.data)
    if application.content is Content.ERROR:
        raise MbusRefusal(f"meter {outcome.request.address} refuses: {application.meaning or 'no reason given'}")
    return application


def _acknowledged(request: SendData) -> Procedure[None]:
    outcome = yield request
    if not isinstance(outcome, Answered):
        raise _failure(outcome)


def _failure(outcome: Silent | Disturbed) -> LinkTimeout:
    address = outcome.request.address
    if isinstance(outcome, Silent):
        return LinkTimeout(f"no answer from meter {address}; check its address, the wiring and the speed")
    shown = outcome.data[:16].hex(" ")
    return Disturbance(f"no answer from meter {address} can be read ({outcome.reason}): {shown}")
