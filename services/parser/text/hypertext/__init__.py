"""HTML without a tree: its tags and texts, their balance, and the text that they show."""
