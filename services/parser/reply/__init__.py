"""Splits a reply: a text and its HTML in, new text, quotation and signature out.

Pure; made of tables of words by language, and scanners that take linear time.
"""

from services.parser.reply.split import Reply, split_reply

__all__ = ["Reply", "split_reply"]
