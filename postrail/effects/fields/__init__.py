"""Changes fields of existing issues: for acts of people, and for field commands in messages."""
