"""The identity of a message, computed before anything of it is read. Pure."""

from __future__ import annotations

import uuid

from postrail.mailbox_state.sync_state import SyncState

# Fixed for life: another one would give every message a second identity.
NAMESPACE = uuid.UUID("5f6e3a0c-6d1b-5c8e-9a77-0f1d5b1f4c21")


def source_of(state: SyncState, uid: int, key: str = "") -> str:
    """Describes the message's place in its mailbox, for people."""
    if key:
        return f"{state.folder};{key}"
    generation = f";generation={state.generation}" if state.generation else ""
    return f"{state.folder};uidvalidity={state.uid_validity}{generation};uid={uid}"


def mail_id_of(state: SyncState, uid: int, key: str = "") -> str:
    """Returns the message's id, the same each time that any process reads the message."""
    # The number of a key is assigned by our database, and is another one if that was lost.
    name = ("key", key) if key else (_numbering(state), str(uid))
    # Each part has its length in front, since names may hold any character.
    parts = (state.mailbox, state.folder, *name)
    return str(uuid.uuid5(NAMESPACE, "".join(f"{len(part)}:{part}" for part in parts)))


def _numbering(state: SyncState) -> str:
    """Returns what a UID is valid for; the first generation is not named, as in older releases."""
    validity = str(state.uid_validity)
    return f"{validity};generation={state.generation}" if state.generation else validity
