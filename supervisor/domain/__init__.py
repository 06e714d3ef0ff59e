"""The pure core: no clock, no I/O, nothing of the rest of the project."""
