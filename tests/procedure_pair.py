"""Our client's procedures against our meter, in memory: a pair of cores and a loop that runs the steps."""

from __future__ import annotations

from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from dlms_pair import Pair, client_settings
from meter_bench import CLIENT_TITLE, KEYS, METER_TITLE, START
from openami.field.meter.electricity import ElectricityMeter
from openami.model.obis import ObisCode
from openami.protocols.dlms.cosem.attribute import Attribute, Method
from openami.protocols.dlms.counters import Counters, MemoryCounters
from openami.protocols.dlms.data import Data, decode_data, encode_data
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor, CosemMethodDescriptor
from openami.protocols.dlms.events import Answered
from openami.protocols.dlms.procedure import Keep, Pause, Procedure
from openami.protocols.dlms.request import Action, Get, Set
from openami.protocols.dlms.security import SecurityKeys

T = TypeVar("T")
_COUNTERS: WeakKeyDictionary[Counters, MemoryCounters] = WeakKeyDictionary()
"""The clients of one meter share a system title, and so their counters, as long as it has its own."""


def client_counters(meter: ElectricityMeter) -> MemoryCounters:
    """What all clients of `meter` count with."""
    return _COUNTERS.setdefault(meter.counters, MemoryCounters())


class MeterPair(Pair):
    """The management client, associated over HLS 5 with `meter`; `now` is the true time of both."""

    def __init__(self, meter: ElectricityMeter, now: float = START, **settings: Any) -> None:
        titles = {"keys": KEYS, "system_title": CLIENT_TITLE, "server_system_title": METER_TITLE}
        client = client_settings(**{**titles, **settings})
        super().__init__(
            client,
            meter.server_settings(),
            state=meter.server_state,
            counters=client_counters(meter),
            server_counters=meter.counters,
        )
        self.meter = meter
        self.kept: list[SecurityKeys] = []
        self.now = now
        self.associate()

    def perform(self, procedure: Procedure[T], steps_max: int = 1_000_000) -> T:
        """The procedure's result; pauses let time pass for both sides. Interrupted after `steps_max` requests."""
        answer: Any = None
        for _ in range(steps_max):
            try:
                step = procedure.send(answer)
            except StopIteration as done:
                result: T = done.value
                return result
            answer = None
            if isinstance(step, Pause):
                self.now += step.seconds
            elif isinstance(step, Keep):
                self.kept.append(step.keys)
            else:
                answer = self.ask(step).answer
        raise InterruptedError

    def ask_fails(self) -> bool:
        """Whether the meter refuses an ordinary request."""
        event = self.ask(Get(CosemAttributeDescriptor(8, ObisCode(0, 0, 1, 0, 0), 2)))
        return not isinstance(event, Answered) or not isinstance(event.answer, bytes)

    def read(self, attribute: Attribute[T], code: ObisCode) -> T:
        raw = self.ask(Get(CosemAttributeDescriptor(attribute.class_id, code, attribute.attribute_id))).answer
        assert isinstance(raw, bytes), raw
        return attribute.cosem_type.from_data(decode_data(raw))

    def write(self, attribute: Attribute[T], code: ObisCode, value: T) -> int:
        raw = encode_data(attribute.cosem_type.to_data(value))
        descriptor = CosemAttributeDescriptor(attribute.class_id, code, attribute.attribute_id)
        return self.ask(Set(descriptor, raw)).answer

    def invoke(self, method: Method, code: ObisCode, argument: Any = 0) -> tuple[int, Data | None]:
        descriptor = CosemMethodDescriptor(method.class_id, code, method.method_id)
        result, raw = self.ask(Action(descriptor, encode_data(method.parameter.to_data(argument)))).answer
        return result, None if raw is None else decode_data(raw)
