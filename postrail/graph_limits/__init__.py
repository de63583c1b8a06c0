"""Keeps the use of a mailbox in Microsoft Graph within its limits, over all processes together.

Owns the tables: graph_use, graph_place.

For an application, a mailbox allows 10,000 requests in 10 minutes, 150 MB of uploads in 5 minutes,
and 4 requests at once (https://learn.microsoft.com/graph/throttling-limits, Outlook service). The
fetcher and the senders take requests from the same count before they send them; senders take a
place too, of which the fetcher needs none: it sends one request at a time, and one place is its.
"""
