from .collector import Collector as Collector
from .direct import DirectMeters as DirectMeters
from .embedded import EmbeddedMeter as EmbeddedMeter
from .settings import CollectorSettings as CollectorSettings
