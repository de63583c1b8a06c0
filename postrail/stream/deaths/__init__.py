"""Counts the deaths of processes with records in flight, so that a record that kills is found."""
