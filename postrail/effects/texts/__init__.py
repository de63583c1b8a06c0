"""What a message says, as the rows of issues and comments hold it."""
