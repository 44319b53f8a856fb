"""The whole process `reconciler apply`, really killed, with each back end of the store."""
