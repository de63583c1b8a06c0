"""Classifies a message: its header, text and attachments in, its kind and the reason out."""
