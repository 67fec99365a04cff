"""Wired M-Bus (EN 13757-2): frames, the primary that asks, the secondary that answers, and their procedures."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
