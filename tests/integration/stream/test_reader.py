"""Single records are read where they are; a broker that does not answer proves no loss."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from postrail.embedded.kafka import Kafka
from postrail.errors import PermanentError, TransientError
from postrail.settings import KafkaSettings, Settings
from postrail.stream import reader
from postrail.stream.topics import MAIL_FETCHED, apply_topics
from tests.makers.records import mail_fetched
from tests.makers.settings import environment_of, settings_of
from tests.makers.topics import feed


async def _filled(kafka: KafkaSettings, count: int) -> list[tuple[int, int]]:
    """Returns the places of records in mail.fetched."""
    apply_topics(kafka)
    placed = await feed(kafka, MAIL_FETCHED, [mail_fetched() for _ in range(count)])
    return [(place.partition, place.offset) for place in placed]


async def test_records_are_found_at_their_places_only(settings: Settings) -> None:
    places = await _filled(settings.kafka, 3)
    partition, last = places[-1]
    nowhere = [(partition, last + 1), (partition, last + 99), (99, 0)]
    found = await reader.read_records(settings.kafka, MAIL_FETCHED, [*nowhere, *reversed(places)])
    assert sorted(found) == sorted(places)
    assert await reader.read_record(settings.kafka, MAIL_FETCHED, *places[1]) == found[places[1]]
    for place in nowhere:
        with pytest.raises(PermanentError, match="has no record at partition"):
            await reader.read_record(settings.kafka, MAIL_FETCHED, *place)


async def test_a_broker_that_goes_away_has_not_lost_the_record(
    own_broker: Kafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = environment_of(
        tmp_path, bootstrap_servers=own_broker.bootstrap_servers, database_url="postgresql://x"
    )
    # The waiting for each answer, which the test makes short.
    environment["POSTRAIL_KAFKA__REQUEST_TIMEOUT_SECONDS"] = "3"
    kafka = settings_of(environment).kafka
    places = await _filled(kafka, 1)
    existing = reader._existing

    def then_gone(consumer: Any, name: str, places: Collection[tuple[int, int]]) -> Any:
        found = existing(consumer, name, places)
        own_broker.kill()
        return found

    monkeypatch.setattr(reader, "_existing", then_gone)
    with pytest.raises(TransientError):
        await reader.read_records(kafka, MAIL_FETCHED, places)
    own_broker.start()
    with pytest.raises(TransientError):
        await reader.read_record(kafka, MAIL_FETCHED, *places[0])
