"""Fleets: tasks, what runs them, and what the store says of those that were lost."""
