"""reconciler: desired security state from Git, made true over REST. The modules are the API."""

__version__ = "0.1.0"
