"""The operators' configuration: typed models, `postrail.yaml`, and the tables that keep it.

Owns the tables: project, issue_type, project_status, component, custom_field, project_role,
priority, mail_account, mail_handler, sender_filter, limit_setting, message_template,
message_context, outgoing_connection, oauth_credential, approval_setup, configuration_change.
"""
