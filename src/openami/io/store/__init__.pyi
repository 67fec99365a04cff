from .columns import RowId as RowId
from .columns import UtcTime as UtcTime
from .engine import Store as Store
from .schema import metadata as metadata
