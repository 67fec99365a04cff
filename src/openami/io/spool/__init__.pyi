from .file_spool import FileSpool as FileSpool
from .spool import Spool as Spool
from .spool import SpooledItem as SpooledItem
from .spool import SpoolFull as SpoolFull
