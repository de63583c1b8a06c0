"""Mail accounts as a configured kind: the descriptor, the purpose, the login of a connection."""
