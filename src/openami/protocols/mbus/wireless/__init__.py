"""Wireless M-Bus: frames, layers, security, compact telegrams, sticks and meters' names for their values."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
