"""Looks up the single facts about messages for `postrail.effects.gather`."""
