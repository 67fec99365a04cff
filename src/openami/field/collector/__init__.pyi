from .collector import Collector as Collector
from .direct import DirectMeters as DirectMeters
from .settings import CollectorSettings as CollectorSettings
