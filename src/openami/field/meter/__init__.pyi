from .config import MeterConfig as MeterConfig
from .curve import ArrayCurve as ArrayCurve
from .curve import LoadCurve as LoadCurve
from .curve import SteadyCurve as SteadyCurve
from .daylight_saving import DaylightSaving as DaylightSaving
from .electricity import ElectricityMeter as ElectricityMeter
from .laboratory_meter import LaboratoryMeter as LaboratoryMeter
