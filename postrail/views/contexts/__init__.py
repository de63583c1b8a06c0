"""Shows which context of outgoing messages each issue has, and why."""
