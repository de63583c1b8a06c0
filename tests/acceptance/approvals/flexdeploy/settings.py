"""FlexDeploy's email settings as files for Postrail, with the texts of its page."""

from __future__ import annotations

from tests.acceptance.approvals.office import ADDRESS, AUTHSERV_ID, SETUP

# Outgoing Email Settings, with the default SMTP properties.
SMTP = f"""
connections:
  - name: outgoing
    host: localhost
    port: POSTFIX_PORT
    encryption: starttls
    username: {ADDRESS}
    password: secret
    from_address: {ADDRESS}
    ca_file: CA_FILE
    is_default: true
    mails_per_minute: 0
    properties: |
      PROTOCOL=smtp
      mail.${{{{PROTOCOL}}}}.host=${{{{SMTP_HOST_NAME}}}}
      mail.${{{{PROTOCOL}}}}.port=${{{{SMTP_HOST_PORT}}}}
      mail.${{{{PROTOCOL}}}}.starttls.enable=${{{{SMTP_ENABLE_TLS}}}}
      mail.${{{{PROTOCOL}}}}.connectiontimeout=30000
      mail.${{{{PROTOCOL}}}}.timeout=30000
      mail.${{{{PROTOCOL}}}}.writetimeout=30000
      mail.${{{{PROTOCOL}}}}.class=com.sun.mail.smtp.SMTPTransport
      mail.${{{{PROTOCOL}}}}.ssl.protocols=TLSv1.2
projects:
  - {{key: REL, name: Releases}}
limits:
  - {{name: address_answers, value: 1000}}
"""
ACCOUNT = f"""
accounts:
  - name: approvals
    purpose: approvals
    address: {ADDRESS}
    project: REL
    # Email Reply Process Interval, shorter for the test, and Count.
    poll_seconds: 1
    max_mails_per_poll: 30
    ca_file: CA_FILE
"""
# User and password are by default those of the outgoing side.
STARTTLS = f"""{ACCOUNT}
    host: localhost
    port: IMAP_PORT
    encryption: starttls
    login_of: outgoing
    properties: |
      PROTOCOL=imap
      mail.${{{{PROTOCOL}}}}.host=${{{{IMAP_HOST_NAME}}}}
      mail.${{{{PROTOCOL}}}}.port=${{{{IMAP_HOST_PORT}}}}
      mail.${{{{PROTOCOL}}}}.starttls.enable=${{{{IMAP_ENABLE_STARTTLS}}}}
      mail.${{{{PROTOCOL}}}}.connectiontimeout=5000
      mail.${{{{PROTOCOL}}}}.timeout=5000
"""
# The default IMAP properties, as they are.
SSL = f"""{ACCOUNT}
    host: localhost
    port: IMAPS_PORT
    username: {ADDRESS}
    password: secret
    folder: Approvals
    properties: |
      PROTOCOL=imap
      mail.${{{{PROTOCOL}}}}.host=${{{{IMAP_HOST_NAME}}}}
      mail.${{{{PROTOCOL}}}}.port=${{{{IMAP_HOST_PORT}}}}
      mail.${{{{PROTOCOL}}}}.socketFactory.class=javax.net.ssl.SSLSocketFactory
      mail.${{{{PROTOCOL}}}}.starttls.enable=${{{{IMAP_ENABLE_STARTTLS}}}}
      mail.${{{{PROTOCOL}}}}.socketFactory.port=${{{{IMAP_HOST_PORT}}}}
      #mail.${{{{PROTOCOL}}}}.socketFactory.fallback=false
      #mail.${{{{PROTOCOL}}}}.ssl.enable=true
      #mail.${{{{PROTOCOL}}}}.connectiontimeout=5000
      #mail.${{{{PROTOCOL}}}}.timeout=5000
"""
OAUTH2 = f"""
credentials:
  - name: application
    provider: custom
    authority: AUTHORITY
    client_id: desk
    client_secret: CLIENT_SECRET
    redirect_address: REDIRECT_ADDRESS
    hosts: [localhost]
    ca_file: CA_FILE
{ACCOUNT}
    host: localhost
    port: IMAPS_PORT
    username: {ADDRESS}
    credential: application
"""
GRAPH = f"""
credentials:
  - {{name: application, provider: microsoft, flow: client_credentials, client_id: app,
     client_secret: client-s3cret, tenant: tenant, authority: AUTHORITY, hosts: [localhost],
     ca_file: CA_FILE}}
connections:
  - {{name: outgoing, mode: graph, credential: application, host: localhost, port: GRAPH_PORT,
     from_address: {ADDRESS}, username: {ADDRESS}, ca_file: CA_FILE, is_default: true,
     mails_per_minute: 0}}
projects:
  - {{key: REL, name: Releases}}
{ACCOUNT}
    protocol: microsoft_graph
    host: localhost
    port: GRAPH_PORT
    credential: application
"""
# As FlexDeploy does it: all is removed from a mailbox of its own.
REMOVES = """
    after_download: remove
"""
LEAVES = """
    after_download: leave
"""
VERIFIES = f"""
    authserv_ids: [{AUTHSERV_ID}]
"""
APPROVALS = f"""
approvals:
  - name: {SETUP}
    enabled: true
    account: approvals
"""
# The installation says that anybody who has the token may decide.
TRUSTS = """
    unverified_senders: decide
    dedicated_mailbox: true
"""
