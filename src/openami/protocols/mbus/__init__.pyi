from .records import (
    Record as Record,
)
from .records import (
    Records as Records,
)
from .records import (
    decode_records as decode_records,
)
