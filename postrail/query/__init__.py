"""The query language of issues: its grammar, its evaluation in memory and by SQL. Pure."""
