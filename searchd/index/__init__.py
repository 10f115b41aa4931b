"""Records, stores and snapshots."""
