"""A member of a group has its partitions soon, also when the library's first look was too early."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from kafka.cluster import ClusterMetadata
from kafka.coordinator.consumer import ConsumerCoordinator

from postrail.settings import Settings
from postrail.stream.consumer import METADATA_MAX_AGE_SECONDS, KafkaReader
from postrail.stream.topics import MAIL_FETCHED, apply_topics

# The time that the answers to the first requests take, on a machine under load.
SLOW_SECONDS = 2.0


async def test_a_lost_request_for_metadata_costs_seconds(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers the first requests for metadata as if they were sent before the subscription.

    The library took them for answers to its later requests, and asked again after five minutes.
    """
    kafka, began = settings.kafka, time.monotonic()
    await asyncio.to_thread(apply_topics, kafka)
    request = ClusterMetadata.metadata_request

    def too_early(cluster: Any) -> Any:
        made = request(cluster)
        if time.monotonic() - began < SLOW_SECONDS:
            made.topics = []
        return made

    reader = KafkaReader(MAIL_FETCHED, "test", kafka)
    began = time.monotonic()
    monkeypatch.setattr(ClusterMetadata, "metadata_request", too_early)
    await reader.open()
    try:
        async with asyncio.timeout(SLOW_SECONDS + 4 * METADATA_MAX_AGE_SECONDS):
            while len(reader.assigned) < kafka.partitions:
                await reader.poll()
        assert time.monotonic() - began > SLOW_SECONDS
    finally:
        await reader.close()


async def test_partitions_are_assigned_again_when_they_were_not_known(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lets the first assignment see no metadata that the library believes to have known."""
    kafka, perform = settings.kafka, ConsumerCoordinator._perform_assignment
    await asyncio.to_thread(apply_topics, kafka)
    assignments = []

    def unknown_at_first(coordinator: Any, *arguments: Any) -> Any:
        assignments.append(arguments)
        if len(assignments) > 1:
            return perform(coordinator, *arguments)
        with monkeypatch.context() as patched:
            patched.setattr(ClusterMetadata, "partitions_for_topic", lambda self, topic: None)
            return perform(coordinator, *arguments)

    monkeypatch.setattr(ConsumerCoordinator, "_perform_assignment", unknown_at_first)
    reader = KafkaReader(MAIL_FETCHED, "test", kafka)
    await reader.open()
    try:
        async with asyncio.timeout(60):
            while len(reader.assigned) < kafka.partitions:
                await reader.poll()
        assert len(assignments) > 1
    finally:
        await reader.close()
