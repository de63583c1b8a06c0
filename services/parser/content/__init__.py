"""Reads what attachments contain: calendars, S/MIME, TNEF, RTF."""
