"""IEC 62056-21: the local port's modes A to D, its data sets, and P1 telegrams, which are made of them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
