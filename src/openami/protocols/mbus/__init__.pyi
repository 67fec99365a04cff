from .application import Application as Application
from .application import decode_application as decode_application
from .columns import TelegramLayout as TelegramLayout
from .measurements import of_application as of_application
from .measurements import of_records as of_records
from .meter_time import MeterTime as MeterTime
from .obis import obis_of as obis_of
from .records import (
    Record as Record,
)
from .records import (
    Records as Records,
)
from .records import (
    decode_records as decode_records,
)
