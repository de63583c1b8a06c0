"""Checks the folders of a broker's partitions before its start, so that it sets no records aside.

At its start Kafka takes a folder without its file `partition.metadata` for a stray one, renames it
and begins the partition anew, empty. That file is written after the topic is made; a full disk may
prevent it. Folders without records are removed, as Kafka makes them again; in the others the file
is made again from another partition of the topic.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from postrail.embedded.processes import write_atomically
from postrail.errors import ConfigurationError

METADATA = "partition.metadata"
CLUSTER = "__cluster_metadata-0"
FORMATTED = "meta.properties"
TOPIC_ID = re.compile(r"^topic_id: *\S+", re.MULTILINE)
PARTITION = re.compile(r"(?P<topic>.+)-\d+")
STRAY = re.compile(r"(?P<partition>.+-\d+)\.[0-9a-f]{32}-stray")
REMEDY = (
    "Restore Kafka's data folder from a backup; or move this folder out of it, and the messages"
    " whose records it holds can be fetched again"
)


def prepare_partitions(log_folder: Path) -> list[str]:
    """Makes the folders ready for a start of the broker; returns a line for each one restored.

    Raises ConfigurationError, before anything is changed for good, for records that the broker
    would set aside or forget.
    """
    _require_whole(log_folder)
    restored = [line for stray in _strays(log_folder) for line in _settle(stray)]
    for folder in _partitions(log_folder):
        if _topic_id(folder):
            continue
        if not _has_records(folder):
            shutil.rmtree(folder)
            continue
        _give_topic_id(folder)
        restored.append(f"Kafka: restored the topic id of {folder}")
    return restored


def require_no_strays(log_folder: Path) -> None:
    """Raises ConfigurationError when the broker has set a folder with records aside."""
    for stray in _strays(log_folder):
        if _has_records(stray):
            raise _set_aside(stray)


def _require_whole(log_folder: Path) -> None:
    """Raises ConfigurationError for partitions with records whose cluster's data are missing."""
    for name in (FORMATTED, CLUSTER):
        if (log_folder / name).exists():
            continue
        for folder in [*_partitions(log_folder), *_strays(log_folder)]:
            if _has_records(folder):
                raise ConfigurationError(
                    f"Kafka's {log_folder / name} is missing, but {folder} holds records,"
                    " which the broker would not find",
                    remedy=REMEDY.replace("this folder", "all folders of partitions"),
                )


def _settle(stray: Path) -> Iterator[str]:
    """Removes a stray folder without records; puts one with records back to its place."""
    if not _has_records(stray):
        shutil.rmtree(stray)
        return
    place = stray.with_name(_name_of(stray))
    own, expected = _topic_id(stray), _topic_id(place) or _topic_id_of_sibling(place)
    made_anew = own and expected and own != expected
    if _has_records(place) or made_anew or not (own or expected):
        raise _set_aside(stray)
    # In this order, as the process may be killed in between: the next start then goes on.
    if not own:
        write_atomically(stray / METADATA, expected)
    shutil.rmtree(place, ignore_errors=True)
    stray.rename(place)
    yield f"Kafka: restored {place}, which it had set aside as {stray.name}"


def _give_topic_id(folder: Path) -> None:
    topic_id = _topic_id_of_sibling(folder)
    if not topic_id:
        raise ConfigurationError(
            f"Kafka would set {folder} aside, which holds records: its {METADATA} is missing",
            remedy=REMEDY,
        )
    write_atomically(folder / METADATA, topic_id)


def _topic_id_of_sibling(folder: Path) -> str:
    """Returns the content of the file in another partition of the topic, or ""."""
    topic = _topic(folder)
    siblings = (one for one in _partitions(folder.parent) if _topic(one) == topic)
    return next(filter(None, map(_topic_id, siblings)), "")


def _set_aside(stray: Path) -> ConfigurationError:
    return ConfigurationError(
        f"Kafka has set the partition {_name_of(stray)} aside, which holds records: {stray}",
        remedy=REMEDY,
    )


def _partitions(log_folder: Path) -> Iterable[Path]:
    folders = sorted(path for path in log_folder.glob("*-*") if PARTITION.fullmatch(path.name))
    return [path for path in folders if path.name != CLUSTER]


def _strays(log_folder: Path) -> list[Path]:
    return sorted(path for path in log_folder.glob("*-stray") if STRAY.fullmatch(path.name))


def _has_records(folder: Path) -> bool:
    """Tells whether it holds records, or has held some: its offsets must not begin anew."""
    segments = [path for path in folder.glob("*.log") if path.stem.isdigit()]
    return any(path.stat().st_size or int(path.stem) for path in segments)


def _topic_id(folder: Path) -> str:
    """Returns the content of the file with the topic's id; "" when it is missing or not whole."""
    try:
        content = (folder / METADATA).read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    return content if TOPIC_ID.search(content) else ""


def _topic(folder: Path) -> str:
    match = PARTITION.fullmatch(folder.name)
    return match["topic"] if match else ""


def _name_of(stray: Path) -> str:
    match = STRAY.fullmatch(stray.name)
    return match["partition"] if match else stray.name
