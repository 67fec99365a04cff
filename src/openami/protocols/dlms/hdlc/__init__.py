"""HDLC: frames out of a byte stream, the primary that asks and the secondary that answers, a listener for pushes."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
