from .registry import NotRegistered as NotRegistered
from .registry import Registry as Registry
