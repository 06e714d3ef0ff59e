"""`jobctl`."""
