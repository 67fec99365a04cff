"""Pushes opened: framing off, protection verified, event and evidence kept, in one transaction each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from openami.backoffice.operations.alert_watch import AlertWatch, Noticed
from openami.backoffice.operations.cause import Cause, NotReadable, cause_of
from openami.backoffice.operations.intake import Intake
from openami.backoffice.operations.notes import Notes
from openami.backoffice.operations.profile_layout import ProfileLayout, decode_rows, profile_columns
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
from openami.protocols.dlms.cosem.interval_push import INTERVAL_COLUMNS, IntervalPush, read_interval_push
from openami.protocols.dlms.counters import ReceiveWindow
from openami.protocols.dlms.data import Data, DataType, decode_data
from openami.protocols.dlms.date_time import CosemDateTime
from openami.protocols.dlms.framing import ApduReceived, Garbage
from openami.protocols.dlms.hdlc.listener import HdlcListener
from openami.protocols.dlms.notification import DataNotification
from openami.protocols.dlms.push_receiver import PushKeys, PushReceived, open_push
from openami.protocols.dlms.wrapper import decode_wrapper

PROTOCOL = "dlms-push"
INVOKE_ID_MASK = 0x00FF_FFFF
_WRAPPER_VERSION = b"\x00\x01"
_HDLC_FLAG = b"\x7e"
_WATT_HOURS = {column.logical_name: 0 for column in INTERVAL_COLUMNS if column.class_id == 3}
_INTEGERS = (DataType.UNSIGNED, DataType.LONG_UNSIGNED, DataType.DOUBLE_LONG_UNSIGNED, DataType.ENUM)


class PushOpening:
    """Opens what the spool brought. Synchronous.

    A push counts once: its sender and invocation counter are remembered in the transaction that keeps its event, so a
    repeated one changes nothing and a kill in between loses nothing. What cannot be opened is kept in quarantine. What
    was noticed goes to `watch` once it is in the store.
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
                    with self._store.transaction():
                        self._pushes.settle(kept, self._set_aside(kept, None, error, now))
        return len(waiting)

    def _open_all(self, waiting: Sequence[KeptPush], now: datetime) -> None:
        """All in one transaction: what many meters say of one hour is stored in one go."""
        readings: list[ProfileReading] = []
        registers: list[RegisterReading] = []
        noticed: list[Noticed] = []
        with self._store.transaction():
            for kept in waiting:
                self._pushes.settle(kept, self._open(kept, now, readings, registers, noticed))
            if readings:
                self._intake.take_profile(readings)
            if registers:
                self._intake.take_register(registers)
        if self._watch is not None:
            self._watch.take(noticed, now.timestamp())

    def _open(
        self,
        kept: KeptPush,
        now: datetime,
        readings: list[ProfileReading],
        registers: list[RegisterReading],
        noticed: list[Noticed],
    ) -> PushState:
        meter: int | None = None
        try:
            if (taken := self._telegrams.open(kept, now)) is not None:
                registers += taken.registers
                return taken.state
            states = []
            for apdu in apdus_of(kept.content):
                opened = open_push(apdu, self._sender, accept_plain=False)
                meter = self._meter(opened)
                states.append(self._take(kept, opened, meter, readings, noticed))
            return PushState.OPENED if PushState.OPENED in states else PushState.REPEATED
        except (DecodeError, SecurityError, NoKeys, NotReadable) as error:
            if meter is None:
                noticed.append(Noticed(None))
            return self._set_aside(kept, meter, error, now)

    def _set_aside(self, kept: KeptPush, meter: int | None, error: OpenAmiError, now: datetime) -> PushState:
        what = Undecodable(cause_of(error), str(error), (kept.content,))
        self._notes.quarantine(f"push {kept.id} of {kept.source}", meter, what, now)
        return PushState.QUARANTINED

    def _take(
        self,
        kept: KeptPush,
        opened: PushReceived,
        meter: int,
        readings: list[ProfileReading],
        noticed: list[Noticed],
    ) -> PushState:
        number = opened.notification.long_invoke_id_and_priority & INVOKE_ID_MASK
        rows = read_interval_push(opened.notification.notification_body)
        if rows is not None:
            state = self._take_rows(kept, opened, meter, rows, readings)
            if state is PushState.OPENED:
                noticed.append(Noticed(meter, number=number, regular=True))
            return state
        body = decode_data(opened.notification.notification_body)
        if not self._first_time(kept, opened):
            return PushState.REPEATED
        event = pushed_event(opened.notification, body)
        note = f"push from {kept.source}" if event is None else f"push from {kept.source}: event {event.code}"
        evidence = self._intake.keep_evidence(meter, kept.received_at, PROTOCOL, (kept.content,), opened.plain, note)
        if event is not None:
            self._notes.note_events(meter, (event,), kept.received_at, _setup_name(body), evidence)
        noticed.append(Noticed(meter, "" if event is None else event_name(event.code), number))
        return PushState.OPENED

    def _take_rows(
        self, kept: KeptPush, opened: PushReceived, meter: int, push: IntervalPush, readings: list[ProfileReading]
    ) -> PushState:
        layout = ProfileLayout(INTERVAL_COLUMNS, push.capture_period_s, _WATT_HOURS)
        columns = profile_columns(decode_rows(push.buffer, layout, None), layout, self._scalers(meter))
        if not self._first_time(kept, opened):
            return PushState.REPEATED
        note = f"push from {kept.source}: load profile"
        evidence = self._intake.keep_evidence(meter, kept.received_at, PROTOCOL, (kept.content,), opened.plain, note)
        readings += [ProfileReading(meter, *column, kept.received_at, evidence) for column in columns]
        return PushState.OPENED

    def _first_time(self, kept: KeptPush, opened: PushReceived) -> bool:
        assert opened.system_title is not None
        assert opened.invocation_counter is not None
        return self._pushes.first_time(kept, opened.system_title, opened.invocation_counter)

    def _scalers(self, meter: int) -> dict[ObisCode, int]:
        points = [hung.metering_point for hung in self._registry.installations(meter)]
        return {channel.obis: channel.scaler for channel in self._registry.channels_of_points(points)}

    def _sender(self, system_title: bytes) -> PushKeys | None:
        # Replay is judged by the store (`first_time`), which also takes what came out of order: hence a new window.
        return PushKeys(security_keys(self._find_keys(system_title)), ReceiveWindow())

    def _meter(self, opened: PushReceived) -> int:
        meter = self._registry.meter_by_system_title(opened.system_title or b"")
        if meter is None:
            title = (opened.system_title or b"").hex()
            raise NotReadable(Cause.NOT_REGISTERED, f"the registry knows no meter with system title {title}")
        return meter.id


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
