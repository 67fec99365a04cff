"""The guard: limits in megawatts, counts and persons; the second seal of what they allow."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
