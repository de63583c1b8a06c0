"""`postrail issues mail`: messages that people write from an issue."""
