"""Keyfactor Command's routes, as its documents state them."""
