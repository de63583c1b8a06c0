"""The configuration at one moment, as the decision needs it: models only, no database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from postrail.configuration.accounts.login import with_logins
from postrail.configuration.approvals.setup import ApprovalSetup
from postrail.configuration.configured import Configured
from postrail.configuration.contexts.context import MessageContext
from postrail.configuration.entry import Thing
from postrail.configuration.handlers.project_words import project_words
from postrail.configuration.models.limit import Limit, LimitName
from postrail.configuration.models.mail_account import MailAccount
from postrail.configuration.models.mail_handler import MailHandler
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.configuration.models.priority import Priority
from postrail.configuration.models.project import Project
from postrail.configuration.models.sender_filter import SenderFilter
from postrail.configuration.templates.message_template import MessageTemplate, chosen
from postrail.message_parts import without_extension
from postrail.query.vocabulary import ProjectWords
from postrail.rendering.checks import names_any
from postrail.rendering.events import HISTORY, MessageEvent

DEFAULTS = {name: Limit(name=name) for name in LimitName}


@dataclass(frozen=True, kw_only=True)
class ConfigurationSnapshot:
    """The mail accounts, projects, priorities and outgoing connections at one moment."""

    # The latest row of configuration_change that the snapshot includes; 0 when there is none.
    change_id: int = 0
    accounts: dict[str, MailAccount] = field(default_factory=dict)
    projects: dict[str, Project] = field(default_factory=dict)
    connections: dict[str, OutgoingConnection] = field(default_factory=dict)
    # By name, disabled ones included.
    approval_setups: dict[str, ApprovalSetup] = field(default_factory=dict)
    # In the order in which they are asked, disabled ones included.
    handlers: tuple[MailHandler, ...] = ()
    # By name, disabled ones included.
    sender_filters: tuple[SenderFilter, ...] = ()
    # The names of the priorities by level.
    priorities: dict[int, str] = field(default_factory=dict)
    # The templates of messages, disabled ones included.
    templates: tuple[MessageTemplate, ...] = ()
    # In the order in which they are asked, disabled ones included.
    contexts: tuple[MessageContext, ...] = ()
    # Those that an operator has set.
    limits: dict[LimitName, Limit] = field(default_factory=dict)

    @cached_property
    def own_addresses(self) -> frozenset[str]:
        """Returns our own addresses, which are never notified and never become participants."""
        watched = {account.address.lower() for account in self.accounts.values()}
        sending = {connection.from_address.lower() for connection in self.connections.values()}
        projects = {project.address for project in self.projects.values() if project.address}
        in_contexts = {context.from_address for context in self.contexts if context.from_address}
        setups = {setup.reply_address for setup in self.approval_setups.values()} - {""}
        return frozenset(
            watched | sending | projects | in_contexts | setups | self.bounce_addresses
        )

    @property
    def bounce_addresses(self) -> frozenset[str]:
        """Returns the addresses that bounces go to, without the extensions that messages give."""
        return frozenset(
            connection.bounce_address
            for connection in self.connections.values()
            if connection.bounce_address
        )

    @cached_property
    def shared_addresses(self) -> dict[str, str]:
        """Returns the projects by those of their addresses that arrive in shared mailboxes only.

        An address with an account of its own is left out: its messages arrive there.
        """
        watched = {account.address.lower() for account in self.accounts.values() if account.enabled}
        return {
            project.address: project.key
            for project in self.projects.values()
            if project.address and project.address not in watched
        }

    def handlers_of(self, account: str) -> tuple[MailHandler, ...]:
        """Returns the handlers that serve an account, in their order, disabled ones included.

        None serves an account for approvals.
        """
        found = self._handlers_by_account
        if account not in found:
            asked = () if self.is_for_approvals(account) else self.handlers
            found[account] = tuple(one for one in asked if one.serves(account))
        return found[account]

    def enabled_handlers_of(self, account: str) -> list[MailHandler]:
        """Returns the enabled handlers that serve an account, in their order."""
        return [one for one in self.handlers_of(account) if one.enabled]

    @property
    def enabled_handlers(self) -> list[MailHandler]:
        """Returns the enabled handlers of all accounts, in their order."""
        return [one for one in self.handlers if one.enabled]

    @cached_property
    def _handlers_by_account(self) -> dict[str, tuple[MailHandler, ...]]:
        """Returns what `handlers_of` has found; also of removed accounts, whose messages fail."""
        return {}

    def limit(self, name: LimitName) -> Limit:
        """Returns a limit as the operator has set it, or with its defaults."""
        return self.limits.get(name) or DEFAULTS[name]

    def connection_for(
        self, project_key: str, context: MessageContext | None = None
    ) -> OutgoingConnection | None:
        """Returns the outgoing connection of the context, the project, or the default one.

        Only an enabled one: the next of them stands in for a disabled one.
        """
        project = self.projects.get(project_key)
        named = [context.connection if context else "", project.connection if project else ""]
        found = (self.connections.get(name) for name in named)
        return next((one for one in found if one and one.enabled), self.default_connection)

    def sender_of(
        self, connection: OutgoingConnection, route: str, context_name: str
    ) -> OutgoingConnection:
        """Returns the connection as it sends a message of this context and route.

        A fallback has nothing of the context: it may not send in that one's name.
        """
        context = next((one for one in self.enabled_contexts if one.name == context_name), None)
        if context is None or connection.name != route:
            return connection
        named = self.connections.get(context.connection)
        if named and named.enabled and named.name != route:
            return connection
        return context.dress(connection)

    def is_for_approvals(self, account_name: str) -> bool:
        """Tells whether the messages of an account are answers to approvals, and never issues."""
        account = self.accounts.get(account_name)
        return account is not None and account.purpose == "approvals"

    def approval_setup_of(self, account_name: str) -> ApprovalSetup | None:
        """Returns the enabled approval setup whose answers arrive in the account."""
        enabled = (one for one in self.approval_setups.values() if one.enabled)
        return next((one for one in enabled if one.account == account_name), None)

    def connection_of_setup(self, setup: ApprovalSetup) -> OutgoingConnection | None:
        """Returns the outgoing connection of an approval setup, or the default one.

        Only an enabled one: the default one stands in for a disabled one.
        """
        named = self.connections.get(setup.connection)
        return named if named and named.enabled else self.default_connection

    def reply_address_of(self, setup: ApprovalSetup) -> str:
        """Returns the address for answers to requests of the setup; "" if there is none."""
        if setup.reply_address:
            return setup.reply_address
        connection = self.connections.get(setup.connection) or self.default_connection
        return connection.from_address.lower() if connection else ""

    @property
    def enabled_contexts(self) -> list[MessageContext]:
        """Returns the contexts in the order in which they are asked."""
        return [one for one in self.contexts if one.enabled]

    @cached_property
    def project_words(self) -> tuple[ProjectWords, ...]:
        """Returns the names of the projects that queries may use."""
        return tuple(map(project_words, self.projects.values()))

    @cached_property
    def ruled_events(self) -> frozenset[str]:
        """Returns the events of which a project or context says who is told."""
        rules = [one.recipients for one in self.projects.values()]
        rules += [one.recipients for one in self.enabled_contexts]
        return frozenset(event for one in rules for event in one)

    def recipients_of(
        self, event: str, project_key: str, context: MessageContext | None
    ) -> list[str] | None:
        """Returns who is told of the event, as the context or project says; None: by default."""
        project = self.projects.get(project_key)
        rules = [context.recipients if context else {}, project.recipients if project else {}]
        return next((found[name] for found in rules for name in found if name == event), None)

    def template_for(
        self,
        event: MessageEvent,
        project: str,
        language: str,
        context: MessageContext | None = None,
    ) -> MessageTemplate | None:
        """Returns the template of a message, first one of its context; None: the default one.

        Those that contexts name are for these alone.
        """
        names = context.templates.get(event, ()) if context else ()
        own = [one for one in self.templates if one.name in names]
        found = chosen(own, event, project, language)
        return found or chosen(self._templates_of_no_context, event, project, language)

    def quotes_history(
        self,
        event: MessageEvent,
        project_key: str,
        language: str,
        context: MessageContext | None = None,
    ) -> bool:
        """Tells whether a message quotes earlier comments, as its template or project says."""
        if template := self.template_for(event, project_key, language, context):
            return template.name in self._templates_with_history
        project = self.projects.get(project_key)
        return project is not None and project.quote_history

    def may_quote_history(self, project_key: str) -> bool:
        """Tells whether any message about issues of the project may quote earlier comments."""
        project = self.projects.get(project_key)
        return bool(self._templates_with_history) or (project is not None and project.quote_history)

    @cached_property
    def _templates_with_history(self) -> frozenset[str]:
        return frozenset(
            one.name
            for one in self.templates
            if one.enabled and any(names_any(source, HISTORY) for source in (one.text, one.html))
        )

    @cached_property
    def _templates_of_no_context(self) -> tuple[MessageTemplate, ...]:
        named = {
            name for one in self.contexts for names in one.templates.values() for name in names
        }
        return tuple(one for one in self.templates if one.name not in named)

    @property
    def default_connection(self) -> OutgoingConnection | None:
        """Returns the default outgoing connection, if it is enabled."""
        enabled = (connection for connection in self.connections.values() if connection.enabled)
        return next((connection for connection in enabled if connection.is_default), None)

    def language_of(self, project_key: str) -> str:
        """Returns the language of the project's texts; English without a project."""
        project = self.projects.get(project_key)
        return project.language if project else "en"

    def reply_address(self, project_key: str, mailbox: str | None) -> str:
        """Returns the address for replies about an issue.

        It is the project's own one, or else the one of the mailbox that the message came to.
        """
        project = self.projects.get(project_key)
        if project and project.address:
            return project.address
        if mailbox in self.accounts:
            return self.accounts[mailbox].address
        watched = (
            account.address
            for account in self.accounts.values()
            if account.project == project_key and account.purpose == "issues"
        )
        return next(watched, "")

    def takes_plus_addresses(self, address: str, mailbox: str | None) -> bool:
        """Tells whether messages to an extension of our address arrive as those to it do.

        An address without an account of its own arrives in the mailbox that the message came to.
        """
        own = (a for a in self.accounts.values() if a.address.lower() == address.lower())
        account = next(own, self.accounts.get(mailbox or ""))
        return account is not None and account.plus_addresses

    def is_own(self, address: str) -> bool:
        """Tells whether an address in lower case is ours, also with an extension of its own."""
        return not {address, without_extension(address)}.isdisjoint(self.own_addresses)


def snapshot_of(change_id: int, things: Iterable[Configured]) -> ConfigurationSnapshot:
    """Returns the snapshot of all configured things; it has no place for those of some kinds."""
    given = list(things)

    def all_of(model: type[Thing]) -> list[Thing]:
        return [thing for thing in given if isinstance(thing, model)]

    accounts = with_logins(all_of(MailAccount), all_of(OutgoingConnection))
    return ConfigurationSnapshot(
        change_id=change_id,
        accounts={account.name: account for account in accounts},
        projects={project.key: project for project in all_of(Project)},
        connections={outgoing.name: outgoing for outgoing in all_of(OutgoingConnection)},
        approval_setups={setup.name: setup for setup in all_of(ApprovalSetup)},
        handlers=tuple(sorted(all_of(MailHandler), key=lambda one: (one.order, one.name))),
        sender_filters=tuple(all_of(SenderFilter)),
        priorities={priority.level: priority.name for priority in all_of(Priority)},
        templates=tuple(all_of(MessageTemplate)),
        contexts=tuple(sorted(all_of(MessageContext), key=lambda one: (one.order, one.name))),
        limits={LimitName(limit.name): limit for limit in all_of(Limit)},
    )
