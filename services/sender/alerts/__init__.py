"""Tells people of faults: by a message over a connection that works, and by a post to a webhook."""
