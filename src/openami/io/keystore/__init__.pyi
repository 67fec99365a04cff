from .counter_file import CounterFile as CounterFile
from .file_keystore import FileKeystore as FileKeystore
from .file_keystore import KeystoreLocked as KeystoreLocked
from .hsm import Hsm as Hsm
from .meter_keys import MeterKeys as MeterKeys
from .meter_keys import NoKeys as NoKeys
from .sealed_records import SealedRecords as SealedRecords
from .wrapped_keystore import WrappedKeystore as WrappedKeystore
