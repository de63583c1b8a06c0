"""Lets a person watch an issue, or no longer."""

from __future__ import annotations

from dataclasses import dataclass

from postrail import people
from postrail.effects.bundles.leave import leave
from postrail.errors import PermanentError
from postrail.operate.issues.act import ActInProgress, Actor, Desk, acting
from postrail.operate.issues.persons import known_person
from postrail.people import PersonRow
from postrail.tracker.issues import Watcher
from postrail.tracker.watchers import add_watchers, watching
from postrail.workflow.rights import Act


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched:
    """Whether a person watches an issue after the act, and whether that is new."""

    issue_key: str
    watcher: str
    watching: bool
    changed: bool


async def watch(
    desk: Desk, actor: Actor, issue_key: str, *, watcher: str = "", watching: bool = True
) -> Watched:
    """Lets the actor, or the person with the address `watcher`, watch the issue or stop to.

    Raises as `acting` does, and PersonNotFound for a new watcher who is not an active person.
    """
    address = (watcher or actor.address).strip().lower()
    if not address:
        raise PermanentError(
            "the operator has no address to notify", remedy="Name the watcher: --watcher ADDRESS"
        )
    kind = Act.WATCH if address == actor.address else Act.ADD_WATCHER
    async with acting(desk, actor, kind, issue_key) as act:
        changed = await (_start(act, address) if watching else _stop(act, address))
        return Watched(
            issue_key=act.issue.issue_key, watcher=address, watching=watching, changed=changed
        )


async def watches(act: ActInProgress, address: str) -> bool:
    """Lets the person or stranger with the address watch the issue; returns whether that is new."""
    return await _watches(act, address, await people.find(act.connection, address))


def watcher_of(address: str, person: PersonRow | None) -> Watcher:
    """Returns the person by the address that mail goes to, or the stranger with the address."""
    if person is None:
        return Watcher(address=address, name="")
    return Watcher(address=person.address, name=person.name)


async def _watches(act: ActInProgress, address: str, person: PersonRow | None) -> bool:
    if await _watching(act, address, person):
        return False
    new = watcher_of(address, person)
    await add_watchers(act.connection, [(act.issue.issue_id, new.address, new.name)])
    act.changed("watcher", None, new.address)
    return True


async def _watching(act: ActInProgress, address: str, person: PersonRow | None) -> list[str]:
    """Returns the addresses by which the person or stranger watches the issue."""
    own = {address, *(person.addresses if person else ())}
    return [one for one in await watching(act.connection, act.issue.issue_id) if one in own]


async def _start(act: ActInProgress, address: str) -> bool:
    return await _watches(act, address, await known_person(act.connection, address))


async def _stop(act: ActInProgress, address: str) -> bool:
    """Removes all addresses of the person: mail goes to the person by each of them."""
    leaving = await _watching(act, address, await people.find(act.connection, address))
    await leave(act.connection, act.issue.issue_id, leaving)
    for one in leaving:
        act.changed("watcher", one, None)
    return bool(leaving)
