"""The commands of `postrail`: one table of names, places and summaries, and a module for each.

The summaries are here so that `postrail --help` imports no command; that of a single command is
also the first sentence of its function's docstring (a test compares the two).
"""

from __future__ import annotations

from services.cli.lazy_group import LazyCommand

SET_UP = "Set up"
RUN = "Run"
OPERATE = "Inspect and operate"

INCOMING = "List, inspect, follow and retry incoming messages."

COMMANDS = (
    LazyCommand("init", "setup.init:init", SET_UP, "Write a commented postrail.yaml to fill in."),
    LazyCommand(
        "apply",
        "setup.apply:apply",
        SET_UP,
        "Apply a file of accounts, connections, projects, people, handlers, templates and more.",
    ),
    LazyCommand(
        "export", "setup.export:export", SET_UP, "Write the configuration as a file for apply."
    ),
    LazyCommand(
        "migrate", "setup.migrate:migrate", SET_UP, "Update the database tables to this release."
    ),
    LazyCommand("topics", "setup.topics:topics", SET_UP, "Check and create the Kafka topics."),
    LazyCommand(
        "secrets", "setup.secrets:secrets", SET_UP, "Manage the keys that encrypt stored passwords."
    ),
    LazyCommand(
        "instance",
        "setup.instance:instance",
        SET_UP,
        "Show or change which installation owns the database.",
    ),
    LazyCommand(
        "up", "up:up", RUN, "Run Kafka, PostgreSQL and all services on this machine, until Ctrl-C."
    ),
    LazyCommand(
        "run", "run:run", RUN, "Run one service in the foreground, until Ctrl-C or SIGTERM."
    ),
    LazyCommand("demo", "demo:demo", RUN, "Send messages to a running demo."),
    LazyCommand(
        "status", "status:status", OPERATE, "Show services, queues and failures on one screen."
    ),
    LazyCommand(
        "doctor", "doctor:doctor", OPERATE, "Check every part of the installation; suggest fixes."
    ),
    LazyCommand(
        "accounts",
        "accounts.group:accounts",
        OPERATE,
        "List, test and control the watched mail accounts.",
    ),
    LazyCommand(
        "connections",
        "connections.group:connections",
        OPERATE,
        "List, test and control the mail servers that send our messages.",
    ),
    LazyCommand(
        "contexts",
        "contexts.group:contexts",
        OPERATE,
        "List, show and check the contexts: how messages about some issues are sent.",
    ),
    LazyCommand(
        "handlers",
        "handlers.group:handlers",
        OPERATE,
        "List, show and test mail handlers, in the order in which they are asked.",
    ),
    LazyCommand(
        "approvals",
        "approvals.group:approvals",
        OPERATE,
        "Request approvals by email; list, show and change the requests.",
    ),
    LazyCommand("issues", "issues.group:issues", OPERATE, "List, show and change issues."),
    LazyCommand("people", "people:people", OPERATE, "List, show and merge people."),
    LazyCommand(
        "projects",
        "projects:projects",
        OPERATE,
        "List and show projects: their statuses, fields and roles.",
    ),
    LazyCommand("mail", "mail.group:mail", OPERATE, INCOMING),
    # The former name of `mail`, which scripts may still use.
    LazyCommand("mails", "mail.group:mail", OPERATE, INCOMING, hidden=True),
    LazyCommand(
        "outgoing",
        "outgoing.group:outgoing",
        OPERATE,
        "List, show, retry, cancel and pause outgoing messages.",
    ),
    LazyCommand(
        "webhooks",
        "webhooks.group:webhooks",
        OPERATE,
        "List, show, retry and cancel posts to other systems.",
    ),
    LazyCommand(
        "templates",
        "templates:templates",
        OPERATE,
        "List, show and preview the templates of messages.",
    ),
    LazyCommand(
        "dead", "dead:dead", OPERATE, "List and show dead letters: records that cannot be decoded."
    ),
    LazyCommand("blobs", "blobs:blobs", OPERATE, "Remove unused blobs from the blob store."),
    LazyCommand(
        "explain",
        "explain:explain",
        OPERATE,
        "Show what messages in files would become, and why, without any effect.",
    ),
    LazyCommand(
        "parse",
        "parse:parse",
        OPERATE,
        "Parse messages in files and show the result; needs no server.",
    ),
)
