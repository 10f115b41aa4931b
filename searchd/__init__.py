"""The daemon of Echolot, and the ground floor that it shares with the indexer."""
