"""Tests on a real broker that the monitor's changelogs exist before Faust starts."""

from __future__ import annotations

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from postrail.settings import Settings
from services.monitor.app import app_options, make_changelogs


def test_the_changelogs_have_the_partitions_of_the_reports_and_a_retention(
    settings: Settings,
) -> None:
    make_changelogs(settings.kafka)
    make_changelogs(settings.kafka)
    admin = KafkaAdminClient(bootstrap_servers=settings.kafka.bootstrap_servers)
    try:
        for table in ("mails", "contacts"):
            name = f"{app_options(settings.kafka)['id']}-{table}-changelog"
            (found,) = admin.describe_topics([name])
            assert len(found["partitions"]) == settings.kafka.partitions
            resource = ConfigResource(ConfigResourceType.TOPIC, name)
            configs = admin.describe_configs([resource])["topic"][name]
            assert configs["cleanup.policy"]["value"] == "compact,delete"
            assert configs["message.timestamp.type"]["value"] == "LogAppendTime"
            assert configs["segment.ms"]["value"] == configs["retention.ms"]["value"]
    finally:
        admin.close()
