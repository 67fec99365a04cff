"""The vocabulary of metering: codes, quantities, qualities, intervals, points, events, errors."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
