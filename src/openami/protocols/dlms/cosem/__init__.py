"""COSEM: interface classes, declared once for the meter that answers and the client that asks."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
