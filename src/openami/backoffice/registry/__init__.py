"""Metering points, meters, channels, people, and what joins them, with history."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
