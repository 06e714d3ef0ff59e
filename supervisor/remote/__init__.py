"""The scripts that run on instances, and the one place that puts values into them."""
