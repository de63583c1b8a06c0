"""Views of outgoing connections."""
