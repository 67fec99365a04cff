"""The back office: registry, operations, metering data management."""
