"""Reads the MIME structure of a message: headers, parts, transfer encodings, addresses."""
