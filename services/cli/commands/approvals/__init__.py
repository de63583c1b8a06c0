"""`postrail approvals`: requests for approval, which people answer by mail."""
