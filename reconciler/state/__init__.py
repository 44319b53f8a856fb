"""The only writer of local files other than those that the user asked for."""
