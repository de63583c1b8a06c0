"""Decides what reports of mail systems about our messages mean: bounces, complaints, receipts."""
