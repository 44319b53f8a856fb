"""Values to text: pure functions, one module a form. Nothing here reads, writes or knows a terminal."""
