"""Many targets at once, each a task of its own, on whatever runs tasks. What is guaranteed, the store guarantees."""
