"""Which operation a request is for, and who asks."""
