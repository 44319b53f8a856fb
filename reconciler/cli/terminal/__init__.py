"""The terminal and its streams: what a person sees, is asked, and may choose."""
