"""What a meter said about one quantity, whatever protocol it spoke."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from openami.model.obis import ObisCode
from openami.model.quality import GuaranteeClass, Quality
from openami.model.quantity import Quantity


class Measurement(NamedTuple):
    """`name` had `value`.

    `name` is an OBIS code, or the meter's own text where it sends none. `value` is a quantity, or what a register
    without a number holds: text, octets, a truth value or nothing. `time` is UTC; a meter without a clock counts
    seconds instead and gives an integer; None means when the message was made. `status` is the meter's own status
    word. `remark` says what was corrected or doubted on the way. `guarantee` says how well the value was protected,
    where its protocol can tell. `words` is what people call it, where its source has words beside the code.
    """

    name: ObisCode | str
    value: Quantity | str | bytes | bool | None
    time: datetime | int | None = None
    quality: Quality = Quality.MEASURED
    status: int | None = None
    remark: str = ""
    guarantee: GuaranteeClass | None = None
    words: str = ""

    @property
    def called(self) -> str:
        """What to call it before people: words where there are some, else the code."""
        return self.words or str(self.name)

    def plain(self) -> dict[str, Any]:
        """As a JSON object; octets are hexadecimal, moments ISO 8601, what is not there is left out."""
        shown: dict[str, Any] = {"name": str(self.name), "value": _plain(self.value)}
        if isinstance(self.value, Quantity):
            shown["unit"] = self.value.unit.symbol
        if self.time is not None:
            shown["time"] = self.time.isoformat() if isinstance(self.time, datetime) else self.time
        if self.quality is not Quality.MEASURED:
            shown["quality"] = self.quality.name.lower()
        if self.status is not None:
            shown["status"] = self.status
        if self.remark:
            shown["remark"] = self.remark
        if self.guarantee is not None:
            shown["guarantee"] = self.guarantee.name.lower()
        if self.words and self.words != self.name:
            shown["words"] = self.words
        return shown


def _plain(value: Quantity | str | bytes | bool | None) -> Any:
    if isinstance(value, Quantity):
        return int(value.value) if value.scaler >= 0 else float(value.value)
    return value.hex() if isinstance(value, bytes) else value
