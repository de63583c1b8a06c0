"""What the settings of a project say about its issues: roles and rights, statuses, fields. Pure."""
