"""Makes approval requests, asks the approvers, and does what follows from their answers."""
