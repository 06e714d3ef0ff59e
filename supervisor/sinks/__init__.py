"""Readers of the event rows, each with a cursor of its own."""
