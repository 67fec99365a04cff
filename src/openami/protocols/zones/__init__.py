"""What the back office and the head-end say to each other. The back office asks, always."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
