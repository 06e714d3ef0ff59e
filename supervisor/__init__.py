"""Looks after long jobs on EC2 instances that are reached only through SSM Run Command."""
