"""Shows on this machine, without a network, that the write protocol holds: `reconciler selftest`."""
