"""From one durable state to the next: every function returns a ``Change``, and does nothing."""
