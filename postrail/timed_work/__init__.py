"""Does the timed work that a service has set timers for."""
