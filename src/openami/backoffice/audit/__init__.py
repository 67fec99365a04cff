"""Logs that cannot be rewritten unnoticed: Merkle trees, signed checkpoints, and a witness who remembers."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
