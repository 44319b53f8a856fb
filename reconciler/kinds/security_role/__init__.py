"""Security roles of Command: claims, permissions, permission sets."""
