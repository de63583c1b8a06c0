"""Turns bytes and HTML into text: bytes or markup in, storable text and safe HTML out."""
