"""Denials of pending certificate requests of Command."""
