"""The strict reader of YAML, JSON and CSV with positions. Knows no kind and no settings."""
