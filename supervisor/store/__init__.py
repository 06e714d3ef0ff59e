"""The durable state: jobs, instances, events."""
