"""Smart Message Language: transport, messages, values, and the deviations of known meters."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
