"""The loops that join domain, store, AWS and control."""
