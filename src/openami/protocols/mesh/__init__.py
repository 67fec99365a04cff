"""The neighbourhood's mesh: IPv6 and RPL over an 802.15.4-like link, every meter a relay."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
