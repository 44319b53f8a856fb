"""Seeded bugs, each with the test that must fail because of it: `make mutants`."""
