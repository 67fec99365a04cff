"""Where bytes, disks and time are: links, stores, spools, keystores, clocks."""
