"""The verbs, without a terminal: plan, apply, what a signal means. Settings, paths and clocks are handed in."""
