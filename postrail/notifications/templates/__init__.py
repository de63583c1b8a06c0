"""Makes the subject, text and HTML of messages by the operators' templates, or the default ones."""
