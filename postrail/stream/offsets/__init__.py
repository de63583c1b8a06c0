"""Places partitions: where each is read on, and whether that is still the log that was read."""
