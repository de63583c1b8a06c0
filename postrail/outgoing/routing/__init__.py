"""Says over which connection waiting messages go, how fast, and which connections are paused."""
