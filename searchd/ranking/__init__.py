"""From evidence to a ranking: pure functions over arrays, no I/O."""
