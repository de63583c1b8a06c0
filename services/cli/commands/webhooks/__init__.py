"""Lists, shows, retries and cancels posts to other systems."""
