"""Who changed what differs: the audit trails of both APIs, read within bounds."""
