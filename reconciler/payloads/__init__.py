"""What objects look like on the wire where that is more than a renaming of fields; shared by the kinds, pure."""
