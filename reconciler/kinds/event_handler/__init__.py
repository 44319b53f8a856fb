"""EventHandler: what Command does when something happens, such as a denied request."""
