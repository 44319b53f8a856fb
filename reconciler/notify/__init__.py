"""Telling people what happened: a message to each receiver of the settings, once, within seconds."""
