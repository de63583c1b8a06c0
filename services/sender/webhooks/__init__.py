"""Posts what waits in the queue of webhooks."""
