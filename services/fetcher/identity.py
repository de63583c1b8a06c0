"""What names a mail before anything else is known of it. Pure."""

from __future__ import annotations

import uuid

from postrail.mailbox_state.sync_state import SyncState

# Fixed for life: another one would give every mail a second identity.
NAMESPACE = uuid.UUID("5f6e3a0c-6d1b-5c8e-9a77-0f1d5b1f4c21")


def source_of(state: SyncState, uid: int, key: str = "") -> str:
    """Where the mail lies in its mailbox, for people."""
    if key:
        return f"{state.folder};{key}"
    return f"{state.folder};uidvalidity={state.uid_validity};uid={uid}"


def mail_id_of(state: SyncState, uid: int, key: str = "") -> str:
    """The mail's id: the same however often and by whomever the mail is read."""
    # A number that stands for a key is ours, and another one in a database that was lost.
    name = ("key", key) if key else (str(state.uid_validity), str(uid))
    # The parts are told apart by their lengths, as names may hold any character.
    parts = (state.mailbox, state.folder, *name)
    return str(uuid.uuid5(NAMESPACE, "".join(f"{len(part)}:{part}" for part in parts)))
