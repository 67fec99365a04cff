"""Pushes opened: framing off, protection verified, event and evidence kept, many in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from openami.backoffice.operations.alert_watch import AlertWatch, Noticed
from openami.backoffice.operations.cause import Cause, NotReadable, cause_of
from openami.backoffice.operations.intake import Intake
from openami.backoffice.operations.notes import Notes
from openami.backoffice.operations.push_rows import (
    INVOKE_ID_MASK,
    PROTOCOL,
    PushedRows,
    RowOpening,
    RowsTaken,
    not_registered,
)
from openami.backoffice.operations.push_store import KeptPush, PushState, PushStore
from openami.backoffice.operations.session_result import EventRead, Undecodable
from openami.backoffice.operations.sessions import FindKeys, security_keys
from openami.backoffice.operations.telegram_opening import TelegramOpening
from openami.backoffice.registry.registry import Registry
from openami.io.keystore.meter_keys import NoKeys
from openami.io.store.engine import Store
from openami.model.errors import DecodeError, OpenAmiError, SecurityError, StoreError
from openami.model.event import event_name
from openami.model.obis import ObisCode
from openami.model.reading import ProfileReading, RegisterReading
from openami.protocols.dlms.cosem.interval_push import read_interval_push
from openami.protocols.dlms.counters import ReceiveWindow
from openami.protocols.dlms.data import Data, DataType, decode_data
from openami.protocols.dlms.date_time import CosemDateTime
from openami.protocols.dlms.framing import ApduReceived, Garbage
from openami.protocols.dlms.hdlc.listener import HdlcListener
from openami.protocols.dlms.notification import DataNotification
from openami.protocols.dlms.push_receiver import PushKeys, PushReceived, open_push
from openami.protocols.dlms.wrapper import decode_wrapper

TWO_DEVICES = "two devices use one key"
"""The code of the alert."""
_WRAPPER_VERSION = b"\x00\x01"
_HDLC_FLAG = b"\x7e"
_WEIGHT = (PushState.WAITING, PushState.REPEATED, PushState.FOREIGN, PushState.OPENED, PushState.QUARANTINED)
_INTEGERS = (DataType.UNSIGNED, DataType.LONG_UNSIGNED, DataType.DOUBLE_LONG_UNSIGNED, DataType.ENUM)


@dataclass(slots=True)
class _Batch:
    """Pushes that are opened together, and what came of them; `noticed` with the ids of their pushes."""

    now: datetime
    rows: list[PushedRows] = field(default_factory=list)
    readings: list[ProfileReading] = field(default_factory=list)
    registers: list[RegisterReading] = field(default_factory=list)
    noticed: list[tuple[int, Noticed]] = field(default_factory=list)
    states: dict[int, PushState] = field(default_factory=dict)

    def became(self, kept: KeptPush, state: PushState) -> None:
        """Of several APDUs in one push the worst decides whether it is set aside, any other whether it counts."""
        if _WEIGHT.index(state) >= _WEIGHT.index(self.states.get(kept.id, _WEIGHT[0])):
            self.states[kept.id] = state


class PushOpening:
    """Opens what the spool brought. Synchronous.

    A push counts once: its sender and invocation counter are remembered in the transaction that keeps its event, so a
    repeated one changes nothing and a kill in between loses nothing. One with a counter that another push has had comes
    from a second device under the same key: both are kept in quarantine, and it is an alert. What cannot be opened is
    kept there too. What was noticed goes to `watch` once it is in the store.
    """

    def __init__(
        self,
        store: Store,
        pushes: PushStore,
        notes: Notes,
        registry: Registry,
        intake: Intake,
        find_keys: FindKeys,
        *,
        watch: AlertWatch | None = None,
        telegram_every_s: int = 3_600,
    ) -> None:
        self._store = store
        self._pushes = pushes
        self._notes = notes
        self._registry = registry
        self._intake = intake
        self._find_keys = find_keys
        self._watch = watch
        self._rows = RowOpening(pushes, registry, intake)
        self._telegrams = TelegramOpening(pushes, notes, registry, intake, find_keys, every_s=telegram_every_s)

    def open_waiting(self, limit: int, now: datetime) -> int:
        """Open the oldest `limit` pushes that wait; how many there were."""
        waiting = self._pushes.waiting(limit)
        try:
            self._open_all(waiting, now)
        except StoreError:  # one push that the store refuses must not keep the others waiting
            for kept in waiting:
                try:
                    self._open_all((kept,), now)
                except StoreError as error:
                    batch = _Batch(now)
                    with self._store.transaction():
                        self._set_aside(kept, None, error, batch)
                        self._pushes.settle(batch.states)
        return len(waiting)

    def _open_all(self, waiting: Sequence[KeptPush], now: datetime) -> None:
        """All in one transaction: what many meters say of one hour is stored in one go."""
        batch = _Batch(now)
        with self._store.transaction():
            for kept in waiting:
                self._open(kept, batch)
            for taken in self._rows.take(batch.rows, batch.now):
                self._took(taken, batch)
            self._pushes.settle(batch.states)
            if batch.readings:
                self._intake.take_profile(batch.readings)
            if batch.registers:
                self._intake.take_register(batch.registers)
        if self._watch is not None:
            in_order = sorted(batch.noticed, key=lambda one: one[0])
            self._watch.take([noticed for _, noticed in in_order], now.timestamp())

    def _open(self, kept: KeptPush, batch: _Batch) -> None:
        opened: PushReceived | None = None
        try:
            if (taken := self._telegrams.open(kept, batch.now)) is not None:
                batch.registers += taken.registers
                if taken.registers:
                    batch.noticed.append((kept.id, Noticed(taken.registers[0].meter, telegram=True)))
                batch.became(kept, taken.state)
                return
            for apdu in apdus_of(kept.content):
                opened = open_push(apdu, self._sender, accept_plain=False)
                rows = read_interval_push(opened.notification.notification_body)
                if rows is not None:
                    batch.rows.append(PushedRows(kept, apdu, opened, rows))
                else:
                    self._take_event(kept, apdu, opened, batch)
        except (DecodeError, SecurityError, NoKeys, NotReadable) as error:
            self._set_aside(kept, None if opened is None else self._known(opened), error, batch)

    def _set_aside(self, kept: KeptPush, meter: int | None, error: OpenAmiError, batch: _Batch) -> None:
        if meter is None:
            batch.noticed.append((kept.id, Noticed(None)))
        what = Undecodable(cause_of(error), str(error), (kept.content,))
        self._notes.quarantine(f"push {kept.id} of {kept.source}", meter, what, batch.now)
        batch.became(kept, PushState.QUARANTINED)

    def _took(self, taken: RowsTaken, batch: _Batch) -> None:
        """Rows were judged."""
        kept = taken.pushed.kept
        if isinstance(taken.outcome, OpenAmiError):
            self._set_aside(kept, taken.meter, taken.outcome, batch)
            return
        if taken.outcome is PushState.REPEATED:
            self._came_before(kept, taken.meter, taken.pushed.apdu, taken.pushed.opened, batch)
            return
        batch.became(kept, taken.outcome)
        batch.readings += taken.readings
        batch.noticed.append((kept.id, Noticed(taken.meter, number=taken.pushed.number, regular=True)))

    def _came_before(self, kept: KeptPush, meter: int | None, apdu: bytes, opened: PushReceived, batch: _Batch) -> None:
        """Its counter did: the same again is a repetition, anything else was sealed by another device."""
        assert opened.system_title is not None
        assert opened.invocation_counter is not None
        first = self._pushes.first_content(opened.system_title, opened.invocation_counter)
        if _holds(first, apdu):
            batch.became(kept, PushState.REPEATED)
            return
        why = f"two different pushes have invocation counter {opened.invocation_counter}: two devices use one key"
        what = Undecodable(Cause.SECURITY_ERROR, why, (first, kept.content))
        self._notes.quarantine(f"push {kept.id} of {kept.source}", meter, what, batch.now)
        batch.noticed.append((kept.id, Noticed(meter, TWO_DEVICES)))
        batch.became(kept, PushState.QUARANTINED)

    def _take_event(self, kept: KeptPush, apdu: bytes, opened: PushReceived, batch: _Batch) -> None:
        assert opened.system_title is not None
        assert opened.invocation_counter is not None
        meter = self._known(opened)
        if meter is None:
            raise not_registered(opened.system_title)
        body = decode_data(opened.notification.notification_body)
        if not self._pushes.first_time(kept, opened.system_title, opened.invocation_counter):
            self._came_before(kept, meter, apdu, opened, batch)
            return
        event = pushed_event(opened.notification, body)
        note = f"push from {kept.source}" if event is None else f"push from {kept.source}: event {event.code}"
        evidence = self._intake.keep_evidence(meter, kept.received_at, PROTOCOL, (kept.content,), opened.plain, note)
        if event is not None:
            self._notes.note_events(meter, (event,), kept.received_at, _setup_name(body), evidence)
        number = opened.notification.long_invoke_id_and_priority & INVOKE_ID_MASK
        batch.noticed.append((kept.id, Noticed(meter, "" if event is None else event_name(event.code), number)))
        batch.became(kept, PushState.OPENED)

    def _sender(self, system_title: bytes) -> PushKeys | None:
        # Replay is judged by the store (`first_times`), which also takes what came out of order: hence a new window.
        return PushKeys(security_keys(self._find_keys(system_title)), ReceiveWindow())

    def _known(self, opened: PushReceived) -> int | None:
        meter = self._registry.meter_by_system_title(opened.system_title or b"")
        return None if meter is None else meter.id


def apdus_of(content: bytes) -> Iterator[bytes]:
    """The APDUs of what one sender sent: wrapped, in HDLC frames, or bare. Raises `DecodeError`."""
    if content.startswith(_WRAPPER_VERSION):
        yield decode_wrapper(content).apdu
        return
    if not content.startswith(_HDLC_FLAG):
        yield content
        return
    listener = HdlcListener()
    listener.receive(content, 0.0)
    listener.closed(0.0)
    found = []
    while (event := listener.next_event()) is not None:
        if isinstance(event, Garbage):
            raise DecodeError(event.reason, 0, ("HDLC",))
        if isinstance(event, ApduReceived):
            found.append(event.apdu)
    if not found:
        raise DecodeError("HDLC frames without an APDU", 0, ("HDLC",))
    yield from found


def _holds(content: bytes, apdu: bytes) -> bool:
    """Whether a push, however it was framed, brought this APDU."""
    try:
        return apdu in apdus_of(content)
    except DecodeError:
        return False


def pushed_event(notification: DataNotification, body: Data) -> EventRead | None:
    """The event that a push tells of: the one integer in its structure, at the date-time beside it or that of the
    notification. None if the push is no such thing (values, for example).
    """
    if body.type is not DataType.STRUCTURE:
        return None
    codes = [item.value for item in body.value if item.type in _INTEGERS]
    if len(codes) != 1:
        return None
    times = [shown for item in body.value if (shown := _time(item)) is not None]
    told = times[0] if times else notification.date_time
    at = None if told is None else told.to_utc()
    return None if at is None else EventRead(at.astimezone(UTC).replace(microsecond=0), codes[0])


def _time(item: Data) -> CosemDateTime | None:
    if item.type is DataType.DATE_TIME and isinstance(item.value, CosemDateTime):
        return item.value
    if item.type is not DataType.OCTET_STRING or len(item.value) != 12:
        return None
    try:
        return CosemDateTime.from_bytes(item.value)
    except DecodeError:
        return None


def _setup_name(body: Data) -> str:
    """`push` and the logical name of the push setup, which stands first in the structure."""
    first = body.value[0] if body.value else None
    if first is not None and first.type is DataType.OCTET_STRING and len(first.value) == 6:
        return f"push {ObisCode.from_bytes(first.value)}"
    return "push"
