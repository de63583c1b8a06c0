"""Mail handlers as a configured kind: their descriptor, and the checks of what they name."""
