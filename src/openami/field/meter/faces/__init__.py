"""The faces of a meter: TCP, serial line or pty, memory; and its pushes to the network."""
