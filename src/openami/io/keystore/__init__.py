"""Where secrets live: the encrypted file of meter keys, and the journal of invocation counters."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
