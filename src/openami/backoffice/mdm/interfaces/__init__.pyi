from .arrow import record_batches as record_batches
from .arrow import to_pandas as to_pandas
from .arrow import to_polars as to_polars
from .arrow import to_table as to_table
from .events import import_events as import_events
from .importing import Importer as Importer
from .importing import ImportResult as ImportResult
