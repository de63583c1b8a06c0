"""Keeps the servers and services of a local installation running."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from postrail.embedded.instance import Announce, Instance, Part
from services.cli.local.children import LocalServices
from services.cli.local.restart_plan import START_ERRORS, RestartPlan, start_problem

POLL_SECONDS = 0.5


class Supervisor:
    """Restarts what ends by itself; a start that fails is announced and tried again."""

    def __init__(self, instance: Instance, services: LocalServices, announce: Announce) -> None:
        self._instance = instance
        self._services = services
        self._announce = announce
        self._plans: defaultdict[str, RestartPlan] = defaultdict(RestartPlan)
        self._publishing = RestartPlan()

    def start(self) -> None:
        """Starts all services without waiting until they are ready, and publishes addresses."""
        self._services.start()
        self._publish()

    async def run(self) -> None:
        """Looks after all children until it is cancelled."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            await self.check()

    async def check(self) -> None:
        """Restarts the services and servers that have ended and whose pauses are over."""
        if self._services.restart_ended() or self._publishing.due:
            self._publish()
        for server in self._instance.ended_parts():
            await self._restart_if_due(server)

    def _publish(self) -> None:
        try:
            self._instance.publish_services(self._services.addresses)
        except OSError as error:
            seconds = self._publishing.failed()
            self._announce(
                f"The addresses cannot be written: {start_problem(error)};"
                f" next attempt in {seconds:.0f} s"
            )
        else:
            self._publishing.started()

    async def _restart_if_due(self, server: Part) -> None:
        plan = self._plans[server.name]
        if not plan.planned:
            seconds = plan.failed()
            self._announce(f"{server.name}: ended, restarts in {seconds:.0f} s")
        elif plan.due:
            await self._restart(server, plan)

    async def _restart(self, server: Part, plan: RestartPlan) -> None:
        try:
            await asyncio.to_thread(server.start)
        except START_ERRORS as error:
            seconds = plan.failed()
            problem = start_problem(error)
            self._announce(f"{server.name}: {problem}; next attempt in {seconds:.0f} s")
        else:
            plan.started()
            self._announce(f"{server.name}: restarted")
