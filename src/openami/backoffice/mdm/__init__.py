"""Metering data management: takes readings, keeps them with their evidence, and answers what was consumed."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
