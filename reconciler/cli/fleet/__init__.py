"""Commands over many targets at once: a task a target, one report, and what a worker does with a task."""
