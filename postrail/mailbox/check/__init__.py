"""The steps of a connection check: reach the server, read its certificate, time each step."""
