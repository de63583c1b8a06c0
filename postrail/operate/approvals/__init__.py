"""Acts on approval requests by people and systems: one function for each, with a typed result.

Commands call them, and later the console and its API. Each is one transaction that ends with the
events of the ledger.
"""
