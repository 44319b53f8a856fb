"""A run as a trace: what it went through and how long that took, for a collector of OpenTelemetry."""
