"""The rules of outgoing connections beside their model: modes, Microsoft's clouds, the default."""
