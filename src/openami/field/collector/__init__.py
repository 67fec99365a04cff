"""Collectors: masters of a neighbourhood that store and forward what meters say, and hold no meter's key."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
