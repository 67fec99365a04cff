"""Validation: a catalogue of rules over columns, and rule sets that say which of them judge what."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
