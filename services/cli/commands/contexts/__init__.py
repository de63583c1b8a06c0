"""`postrail contexts`: how messages about some issues are sent."""
