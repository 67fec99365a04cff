"""Ways for bytes, and the driver that joins a protocol core to one."""
