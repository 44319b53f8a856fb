"""Secrets: where they come from, who may read their files, and how they are hidden from whatever is shown."""
