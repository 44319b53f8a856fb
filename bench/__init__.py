"""What it costs, beside straight-line scripts for the same answers: `make bench`, or `python -m bench --help`."""
