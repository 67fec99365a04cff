"""The relay in the DMZ: it carries bytes between back office and meters and spools what meters push.

It holds no key and knows no name; it never connects to the back office.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
