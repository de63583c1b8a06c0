"""What operators configure of approvals: setups, the statuses and the handlers that ask."""
