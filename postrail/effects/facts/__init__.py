"""Looks up single facts for `postrail.effects.gather`."""
