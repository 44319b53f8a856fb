"""Documents and tables as they are to be, in the place of what they are: every line that does not change stays."""
