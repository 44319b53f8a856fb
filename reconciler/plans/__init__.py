"""From declared and found to a plan: comparison, guards, masking, and the plan as a file. No network, no terminal."""
