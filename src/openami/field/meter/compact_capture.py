"""The meter's compact data: a few values in one short octet-string."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from openami.field.meter import codes
from openami.field.meter.monthly_billing import read_column
from openami.model.errors import LocalProtocolError
from openami.protocols.dlms.access_result import ActionResult, DataAccessResult
from openami.protocols.dlms.compact_data import encode_compact
from openami.protocols.dlms.cosem.compact_data import CaptureMethod, CompactData
from openami.protocols.dlms.cosem.refusal import ActionRefused, Refused
from openami.protocols.dlms.data import decode_data
from openami.protocols.dlms.selective_access import CaptureObjectDefinition

if TYPE_CHECKING:
    from openami.field.meter.electricity import ElectricityMeter

Columns = tuple[CaptureObjectDefinition, ...]
COLUMNS_MAX: Final = 32
FACTORY_COLUMNS: Final[Columns] = (
    CaptureObjectDefinition(8, codes.CLOCK, 2),
    *(
        CaptureObjectDefinition(3, code, 2)
        for code in (codes.IMPORT, codes.IMPORT_TARIFF_1, codes.IMPORT_TARIFF_2, codes.EXPORT)
    ),
    CaptureObjectDefinition(1, codes.ACTIVE_TARIFF, 2),
)


class CompactCapture:
    """What is captured, how, and what was captured last. Another choice of columns is another template."""

    __slots__ = ("_meter", "buffer", "columns", "method", "template", "template_id")

    def __init__(self, meter: ElectricityMeter) -> None:
        self._meter = meter
        self.columns = FACTORY_COLUMNS
        self.method = CaptureMethod.IMPLICIT_UPON_READING
        self.template_id = 1
        self.buffer = self.template = b""

    def capture(self, now: float) -> None:
        """Take the values now; raises `Refused` where one of them cannot be read."""
        self.buffer, self.template = self._captured(self.columns, now)

    def read(self, now: float) -> bytes:
        """The buffer as a client gets it."""
        if self.method is CaptureMethod.IMPLICIT_UPON_READING:
            self.capture(now)
        return self.buffer

    def describe(self, now: float) -> bytes:
        """The types of the values in the buffer; of those that would be there if it is empty."""
        return self.template or self._captured(self.columns, now)[1]

    def set_columns(self, columns: Columns, now: float) -> None:
        """Capture something else from now on; raises `Refused` if that cannot be."""
        if len(columns) > COLUMNS_MAX:
            raise Refused(DataAccessResult.OTHER_REASON)
        self._captured(columns, now)
        self.columns = columns
        self.template_id = self.template_id % 0xFF + 1
        self.reset()

    def reset(self) -> None:
        """Forget what was captured."""
        self.buffer = self.template = b""

    def _captured(self, columns: Columns, now: float) -> tuple[bytes, bytes]:
        try:
            values = [decode_data(read_column(self._meter, one, now)) for one in columns]
            return encode_compact(self.template_id, values)
        except (KeyError, LocalProtocolError):
            raise Refused(DataAccessResult.OTHER_REASON) from None


def compact_data_object(meter: ElectricityMeter) -> CompactData:
    """Class Compact data at 0-0:66.0.0*255."""
    compact = meter.compact
    item = CompactData(codes.COMPACT_DATA, template_id=compact.template_id)
    item.bind(CompactData.compact_buffer, compact.read)
    item.bind(CompactData.template_description, compact.describe)
    item.bind(CompactData.capture_objects, lambda _now: compact.columns, compact.set_columns)
    item.bind(CompactData.capture_method, lambda _now: compact.method, lambda method, _: _set_method(compact, method))
    item.handle(CompactData.reset, lambda _, _now: compact.reset())
    item.handle(CompactData.capture, lambda _, now: _capture(compact, now))
    return item


def _set_method(compact: CompactCapture, method: CaptureMethod) -> None:
    compact.method = method


def _capture(compact: CompactCapture, now: float) -> None:
    try:
        compact.capture(now)
    except Refused:
        raise ActionRefused(ActionResult.OTHER_REASON) from None
