"""The meter's limiter as a COSEM object."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from openami.field.meter import codes
from openami.field.meter.watching import check_watched, number_of
from openami.protocols.dlms.cosem.attribute import Attribute
from openami.protocols.dlms.cosem.limiter import Limiter as LimiterClass

if TYPE_CHECKING:
    from openami.field.meter.electricity import ElectricityMeter

_SETTINGS: Final[dict[str, Attribute[Any]]] = {
    "monitored": LimiterClass.monitored_value,
    "threshold_normal": LimiterClass.threshold_normal,
    "threshold_emergency": LimiterClass.threshold_emergency,
    "min_over_s": LimiterClass.min_over_threshold_duration,
    "min_under_s": LimiterClass.min_under_threshold_duration,
    "emergency": LimiterClass.emergency_profile,
    "groups": LimiterClass.emergency_profile_group_id_list,
    "actions": LimiterClass.actions,
}


def limiter_object(meter: ElectricityMeter) -> LimiterClass:
    """Class Limiter at 0-0:17.0.0*255."""
    limiter = meter.limiter
    item = LimiterClass(
        codes.LIMITER, threshold_active=limiter.threshold, emergency_profile_active=limiter.emergency_active
    )
    for name, attribute in _SETTINGS.items():
        item.bind(attribute, _reader(meter, name), _writer(meter, name))
    return item


def _reader(meter: ElectricityMeter, name: str) -> Callable[[float], Any]:
    return lambda _now: getattr(meter.limiter, name)


def _writer(meter: ElectricityMeter, name: str) -> Callable[[Any, float], None]:
    def write(value: Any, now: float) -> None:
        if name == "monitored":
            check_watched(meter, value)
        elif name.startswith("threshold"):
            number_of(value)
        setattr(meter.limiter, name, value)
        meter.limiter.plan(meter.clock.reading(now))
        meter.advance(now)

    return write
