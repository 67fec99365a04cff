"""Sealed items between zones: taken only when they are on the disk, kept until they are released."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
