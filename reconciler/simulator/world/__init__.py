"""What the simulated servers hold: objects, switches, the ledger, the queries over it."""
