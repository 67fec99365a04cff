"""The simulation's disk under its old name: spools, counters and keystores are tested on it."""

from openami.simulation.disk import FaultDisk, PowerCut

__all__ = ["FaultDisk", "PowerCut"]
