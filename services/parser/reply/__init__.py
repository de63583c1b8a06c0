"""The reply in a mail: what its sender wrote, apart from what was quoted and from signatures.

Pure; tables of words by language, and scanners whose time is linear.
"""

from services.parser.reply.split import Reply, split_reply

__all__ = ["Reply", "split_reply"]
