"""Files and messages in which metering data change hands: CIM, Green Button, NEM12, MSCONS, CSV."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
