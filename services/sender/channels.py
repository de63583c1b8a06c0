"""Keeps a channel, with a courier and a breaker, for each enabled outgoing connection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from postrail.clock import Clock
from postrail.configuration.load import load_snapshot
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.courier import (
    Answer,
    BeforeDot,
    Courier,
    CourierUnavailable,
    Envelope,
    TimeLimit,
    nothing_to_record,
)
from postrail.courier.graph.faults import owner_of
from postrail.courier.make import courier_for, login_of, signer_of
from postrail.database import Pool, Transactions, transaction
from postrail.errors import ConfigurationError
from postrail.graph_limits.shared import SharedLimits
from postrail.oauth.tokens import AccessTokens
from postrail.observe.log import log
from postrail.outgoing.content import Content
from postrail.outgoing.routing import rerouting, strays
from postrail.outgoing.routing.rates import Rate
from postrail.outgoing.routing.rerouting import Routes
from postrail.secrets import Secrets
from services.sender.breaker import Breaker

logger = log(__name__)

RELOAD_SECONDS = 5.0
REROUTE_SECONDS = 60.0

MakeCourier = Callable[[OutgoingConnection], Courier]


@dataclass(kw_only=True)
class Channel:
    """One outgoing connection, with its courier and breaker."""

    connection: OutgoingConnection
    courier: Courier
    breaker: Breaker = field(default_factory=Breaker)
    # The number of messages in flight.
    busy: int = 0

    @property
    def name(self) -> str:
        """Returns the name of its connection."""
        return self.connection.name

    @property
    def rate(self) -> Rate | None:
        """Returns the limit of messages a minute, if there is one."""
        limit = self.connection.minute_limit
        return Rate(limit) if limit else None

    def allowed(self, now: datetime, default_connections: int) -> int:
        """Returns the number of messages that may start."""
        most = self.connection.channels or default_connections
        return self.breaker.allowed(now, self.busy, most)


def available(channels: Sequence[Channel]) -> Channel | None:
    """Returns the first of the channels whose server answers, as far as is known."""
    return next((one for one in channels if not one.breaker.is_open), None)


def to_try(channels: Sequence[Channel], now: datetime) -> Channel | None:
    """Returns the first of the channels whose server may be tried.

    One that was unavailable is asked again in its time: it may have no messages of its own.
    """
    return next((one for one in channels if one.breaker.may_be_tried(now)), None)


class Unusable:
    """The courier of a connection whose password cannot be read, so no attempt is possible."""

    def __init__(self, problem: ConfigurationError) -> None:
        self._problem = problem

    async def send(
        self, envelope: Envelope, limit: TimeLimit, before_dot: BeforeDot = nothing_to_record
    ) -> list[Answer]:
        """Always raises CourierUnavailable."""
        problem = self._problem
        raise CourierUnavailable(problem.problem, remedy=problem.remedy, setting=problem.setting)

    async def close_idle(self) -> None:
        """Does nothing: no connection is open."""

    async def close(self) -> None:
        """Does nothing: no connection is open."""


def couriers(
    secrets: Secrets, tokens: AccessTokens, transactions: Transactions, clock: Clock
) -> MakeCourier:
    """Returns a function that makes couriers with the revealed secrets."""

    def make(connection: OutgoingConnection) -> Courier:
        try:
            login = login_of(connection, secrets, tokens)
            sign = signer_of(connection, secrets)
            limits = SharedLimits(transactions, clock, owner_of(connection))
            return courier_for(connection, login, clock, limits=limits, sign=sign)
        except ConfigurationError as error:
            return Unusable(error)

    return make


def routes_of(snapshot: ConfigurationSnapshot) -> Routes:
    """Returns the connections that messages go over."""
    of_projects = {key: snapshot.connection_for(key) for key in snapshot.projects}
    default = snapshot.default_connection
    return Routes(
        usable=frozenset(one.name for one in snapshot.connections.values() if one.enabled),
        by_project={key: one.name for key, one in of_projects.items() if one},
        default=default.name if default else None,
        by_context={
            one.name: one.connection
            for one in snapshot.enabled_contexts
            if one.connection in snapshot.connections
            and snapshot.connections[one.connection].enabled
        },
    )


class Channels:
    """All channels, read again from the configuration every RELOAD_SECONDS."""

    def __init__(self, pool: Pool, clock: Clock, make_courier: MakeCourier) -> None:
        self._pool = pool
        self._clock = clock
        self._make_courier = make_courier
        self._channels: dict[str, Channel] = {}
        self._known: list[str] = []
        # Of the reading before the last: a message that was found stray then is recorded by now.
        self._known_before: set[str] = set()
        self._routes: Routes | None = None
        # What could not be rerouted: no usable connection is the route of its messages.
        self._stranded: set[str] = set()
        self._reroute_at = clock.now()
        # The configuration as it was read last.
        self.snapshot = ConfigurationSnapshot()
        self._reload_at: datetime | None = None

    @property
    def usable(self) -> list[Channel]:
        """Returns the enabled channels by name: their limits are locked in this order."""
        return [self._channels[name] for name in sorted(self._channels)]

    def taken_over_by(self, channel: Channel, now: datetime) -> list[Channel]:
        """Returns the channels whose server is unavailable, and whose fallback this one is."""
        unavailable = [other for other in self.usable if other.breaker.is_open]
        return [one for one in unavailable if to_try(self.fallbacks_of(one), now) is channel]

    def wake(self, name: str) -> None:
        """Lets the next message find out at once whether the server takes messages again."""
        if channel := self._channels.get(name):
            channel.breaker.probe_now()

    def fallbacks_of(self, channel: Channel) -> tuple[Channel, ...]:
        """Returns the enabled channels that may take over, the first one first."""
        found: list[Channel] = []
        following = self._channels.get(channel.connection.fallback)
        # Each at most once: a table that was changed by SQL may have a cycle.
        while following is not None and following is not channel and following not in found:
            found.append(following)
            following = self._channels.get(following.connection.fallback)
        return tuple(found)

    def sender_of(self, channel: Channel, message: Content) -> OutgoingConnection:
        """Returns the connection of a channel as it sends the message."""
        return self.snapshot.sender_of(channel.connection, message.route, message.context)

    @property
    def known(self) -> list[str]:
        """Returns the names of all connections; messages of disabled ones wait."""
        return self._known

    async def refresh(self) -> bool:
        """Reads the connections when it is time; returns whether it did. Raises TransientError."""
        now = self._clock.now()
        if self._reload_at is not None and now < self._reload_at:
            return False
        async with transaction(self._pool) as connection:
            snapshot = await load_snapshot(connection)
            configured = list(snapshot.connections.values())
            # At the first reading all are new: one may have come back while no sender was running.
            new = {one.name for one in configured} - self._known_before
            if new and (count := await strays.release(connection, new, now)):
                logger.info("connections are back, their messages go on", count=count)
        finished = await self._reroute(routes_of(snapshot), now)
        # Between parts of many messages, the sender records what it has sent.
        self._reload_at = now + timedelta(seconds=RELOAD_SECONDS) if finished else now
        self.snapshot = snapshot
        await self._adopt(configured)
        return True

    async def _reroute(self, routes: Routes, now: datetime) -> bool:
        """Moves waiting messages to the connections that they are to go over, a part of many.

        Returns whether no more are known to wait for it.

        It does so when routes have changed or a message has no usable one; and each REROUTE_SECONDS
        for messages that were in flight, or stored by processes with the configuration before.
        """
        strayed = await self._strayed(routes, now)
        if routes == self._routes and strayed <= self._stranded and now < self._reroute_at:
            return True
        async with transaction(self._pool) as connection:
            moved = await rerouting.reroute(connection, routes, now)
        if moved:
            logger.info("messages go over other connections", count=moved)
        self._routes, self._reroute_at = routes, now
        if moved == rerouting.BATCH:
            return False
        self._stranded = await self._strayed(routes, now) if strayed else set()
        self._reroute_at = now + timedelta(seconds=REROUTE_SECONDS)
        return True

    async def _strayed(self, routes: Routes, now: datetime) -> set[str]:
        """Returns the connections that due messages name and that cannot be used."""
        async with transaction(self._pool) as connection:
            return await strays.connections_of_due(connection, now, but_for=routes.usable)

    async def _adopt(self, configured: Sequence[OutgoingConnection]) -> None:
        before, self._known_before = self._channels, set(self._known)
        enabled = [connection for connection in configured if connection.enabled]
        self._known = [connection.name for connection in configured]
        self._channels = {
            connection.name: self._channel(connection, before.get(connection.name))
            for connection in enabled
        }
        for name, channel in before.items():
            if self._channels.get(name) is channel:
                await channel.courier.close_idle()
            else:
                await channel.courier.close()

    def _channel(self, connection: OutgoingConnection, before: Channel | None) -> Channel:
        if before is not None and before.connection == connection:
            return before
        logger.info("outgoing connection", name=connection.name, host=connection.host)
        return Channel(connection=connection, courier=self._make_courier(connection))

    async def close(self) -> None:
        """Closes all connections that are not in use."""
        for channel in self._channels.values():
            await channel.courier.close()
