"""Secret event notifications of CSMS."""
