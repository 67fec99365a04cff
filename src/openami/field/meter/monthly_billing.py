"""The monthly billing profile: the registers as they were at each end of billing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from openami.field.meter import codes
from openami.protocols.dlms.cosem.attribute import Attribute
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.profile_buffer import SortMethod
from openami.protocols.dlms.cosem.profile_generic import ProfileGeneric
from openami.protocols.dlms.data import decode_data
from openami.protocols.dlms.selective_access import CaptureObjectDefinition

if TYPE_CHECKING:
    from openami.field.meter.electricity import ElectricityMeter

MONTHLY_COLUMNS: Final = (
    CaptureObjectDefinition(8, codes.CLOCK, 2),
    *(
        CaptureObjectDefinition(3, code, 2)
        for code in (codes.IMPORT, codes.IMPORT_TARIFF_1, codes.IMPORT_TARIFF_2, codes.EXPORT)
    ),
    CaptureObjectDefinition(4, codes.MAXIMUM_DEMAND, 2),
    CaptureObjectDefinition(4, codes.MAXIMUM_DEMAND, 5),
)


def monthly_billing_object(meter: ElectricityMeter) -> ProfileGeneric:
    """Class Profile generic at 0-0:98.1.0*255, captured by the end-of-billing script."""
    item = ProfileGeneric(
        codes.MONTHLY_BILLING,
        meter.monthly_billing,
        meter.clock.utc_seconds,
        capture_objects=MONTHLY_COLUMNS,
        capture_period=0,
        sort_method=SortMethod.FIFO,
        sort_object=MONTHLY_COLUMNS[0],
    )
    item.handle(ProfileGeneric.capture, lambda _, now: capture_month(meter, now))
    return item


def capture_month(meter: ElectricityMeter, now: float) -> None:
    """Take a row: every column as its object reads at `now`."""
    meter.monthly_billing.append(tuple(decode_data(read_column(meter, one, now)) for one in MONTHLY_COLUMNS))


def read_column(meter: ElectricityMeter, wanted: CaptureObjectDefinition, now: float) -> bytes:
    """The A-XDR octets of a captured attribute; raises `KeyError` or `Refused`."""
    item: InterfaceClass = meter.device.object(InterfaceClass, wanted.logical_name)
    attribute: Attribute[object] = item.attribute(wanted.attribute_index)
    return item.read(attribute.attribute_id, None, now)
