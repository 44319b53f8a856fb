"""One HTTP request, sent once: sockets, TLS, deadlines, retries of reads, strict JSON. Knows no target and no API."""
