"""Keeps the servers and services of a local installation running."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from postrail.embedded.instance import Announce, Instance, Part
from postrail.tasks import end_tasks
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
        self._restarts: dict[str, asyncio.Task[None]] = {}
        self._publishing = RestartPlan()

    def start(self) -> None:
        """Starts all services without waiting until they are ready, and publishes addresses."""
        self._services.start()
        self._publish()

    async def run(self) -> None:
        """Looks after all children until it is cancelled."""
        try:
            while True:
                await asyncio.sleep(POLL_SECONDS)
                self.check()
        finally:
            await end_tasks(self._restarts.values())

    def check(self) -> None:
        """Begins to restart the services and servers that have ended and whose pauses are over."""
        if self._services.restart_ended() or self._publishing.due:
            self._publish()
        for name, restart in list(self._restarts.items()):
            if restart.done():
                del self._restarts[name]
                restart.result()
        for server in self._instance.ended_parts():
            if server.name not in self._restarts:
                self._restart_if_due(server)

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

    def _restart_if_due(self, server: Part) -> None:
        plan = self._plans[server.name]
        if not plan.planned:
            seconds = plan.failed()
            self._announce(f"{server.name}: ended, restarts in {seconds:.0f} s")
        elif plan.due:
            # A server may take a minute to start, which must not delay the others.
            self._restarts[server.name] = asyncio.create_task(self._restart(server, plan))

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
