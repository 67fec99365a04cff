"""The end-to-end envelope of critical commands: what is protected, by whom, and the order of checks on opening."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
