"""Certificate owners of Command: the roles that certificates belong to."""
