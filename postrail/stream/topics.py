"""Declares the topics (name, record, retention), creates missing ones and checks the others.

`apply_topics` refuses topics that differ: another number of partitions would move mailboxes, a
shorter retention would lose messages that wait to be handled or replayed. Only whose time a record
gets is altered.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import TopicAlreadyExistsError

from postrail import records
from postrail.errors import ConfigurationError
from postrail.records import R_co, Record
from postrail.settings import KafkaSettings
from postrail.stream.connection import client_options, kafka_faults

HOUR_MS = 3600 * 1000
DAY_MS = 24 * HOUR_MS
# With the time of its maker instead, retention removes a record at once if the maker's clock is
# behind by more than that; one that is an hour ahead has its records refused.
ALTERED_CONFIGS = {"message.timestamp.type": "LogAppendTime"}


@dataclass(frozen=True, kw_only=True)
class Topic(Generic[R_co]):
    """One topic; its name, its record and the record's schema have the same stem."""

    name: str
    record: type[R_co]
    # None: the days of the setting POSTRAIL_KAFKA__RETENTION_DAYS.
    retention_ms: int | None = None
    cleanup: str = "delete"
    # None: the broker's own limit for a record, 1 MiB by default.
    record_max_bytes: int | None = None


MAILBOX_CHECK_REQUESTED = Topic(
    name="mailbox.check_requested", record=records.MailboxCheckRequested, retention_ms=HOUR_MS
)
MAIL_FETCHED = Topic(name="mail.fetched", record=records.MailFetched)
MAIL_PARSED = Topic(name="mail.parsed", record=records.MailParsed)
MAIL_HANDLED = Topic(name="mail.handled", record=records.MailHandled)
OUTGOING_QUEUED = Topic(name="outgoing.queued", record=records.OutgoingQueued)
OUTGOING_DELIVERED = Topic(name="outgoing.delivered", record=records.OutgoingDelivered)
ISSUE_CHANGED = Topic(name="issue.changed", record=records.IssueChanged)
APPROVAL_DECIDED = Topic(name="approval.decided", record=records.ApprovalDecided)
PIPELINE_PROGRESS = Topic(
    name="pipeline.progress", record=records.PipelineProgress, retention_ms=DAY_MS
)
# It holds whole records of other topics, together with the error.
MAIL_DEAD = Topic(name="mail.dead", record=records.MailDead, record_max_bytes=2 * 1024 * 1024)

TOPICS: tuple[Topic[Record], ...] = (
    MAILBOX_CHECK_REQUESTED,
    MAIL_FETCHED,
    MAIL_PARSED,
    MAIL_HANDLED,
    OUTGOING_QUEUED,
    OUTGOING_DELIVERED,
    ISSUE_CHANGED,
    APPROVAL_DECIDED,
    PIPELINE_PROGRESS,
    MAIL_DEAD,
)


def wanted_configs(topic: Topic[Record], settings: KafkaSettings) -> dict[str, str]:
    """Returns the topic's settings as the broker spells them."""
    retention_ms = topic.retention_ms or settings.retention_days * DAY_MS
    largest = topic.record_max_bytes
    return {
        **({} if largest is None else {"max.message.bytes": str(largest)}),
        "cleanup.policy": topic.cleanup,
        "retention.ms": str(retention_ms),
        "min.insync.replicas": str(settings.min_insync_replicas),
        # A replica that lags must not become leader: acknowledged messages would be lost.
        "unclean.leader.election.enable": "false",
        **ALTERED_CONFIGS,
    }


def topic_name(topic: Topic[Record], settings: KafkaSettings) -> str:
    """Returns the topic's name on the broker."""
    return settings.prefix + topic.name


def differences(topic: Topic[Record], settings: KafkaSettings, found: FoundTopic) -> list[str]:
    """Describes how the broker's topic differs from the declared one, beyond ALTERED_CONFIGS."""
    name = topic_name(topic, settings)
    problems = []
    if found.partitions != settings.partitions:
        problems.append(
            f"{name} has {found.partitions} partitions, wanted {settings.partitions}: another"
            " number would move mailboxes between partitions"
        )
    problems += [
        f"{name}: {config} is {found.configs.get(config)}, wanted {wanted}"
        for config, wanted in wanted_configs(topic, settings).items()
        if config not in ALTERED_CONFIGS and found.configs.get(config) != wanted
    ]
    return problems


@dataclass(frozen=True, kw_only=True)
class FoundTopic:
    """A topic as the broker has it."""

    partitions: int
    configs: dict[str, str]

    @property
    def must_be_altered(self) -> bool:
        """Returns whether it lacks one of ALTERED_CONFIGS."""
        return not ALTERED_CONFIGS.items() <= self.configs.items()


@dataclass(frozen=True, kw_only=True)
class TopicCheck:
    """What `apply_topics` would do, and the differences that only a person may remove."""

    missing: list[Topic[Record]]
    to_alter: list[Topic[Record]]
    problems: list[str]


@dataclass(frozen=True, kw_only=True)
class AppliedTopics:
    """What `apply_topics` has done: the names on the broker."""

    created: list[str]
    altered: list[str]


class TopicAdmin:
    """The broker's topics, through the admin client. Blocking: for commands, not for stages."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        with kafka_faults(settings):
            self._client = KafkaAdminClient(**client_options(settings))

    def __enter__(self) -> TopicAdmin:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def found(self) -> dict[str, FoundTopic]:
        """Returns our topics that exist, by their names without the prefix."""
        with kafka_faults(self._settings):
            existing = set(self._client.list_topics())
            present = [topic for topic in TOPICS if topic_name(topic, self._settings) in existing]
            return {topic.name: self._describe(topic) for topic in present}

    def _describe(self, topic: Topic[Record]) -> FoundTopic:
        name = topic_name(topic, self._settings)
        (description,) = self._client.describe_topics([name])
        resource = ConfigResource(ConfigResourceType.TOPIC, name)
        answer: dict[str, Any] = self._client.describe_configs([resource], config_filter="all")
        configs = {key: str(data["value"]) for key, data in answer["topic"][name].items()}
        return FoundTopic(partitions=len(description["partitions"]), configs=configs)

    def create(self, topics: Sequence[Topic[Record]]) -> None:
        """Creates topics."""
        settings = self._settings
        self.create_named(
            {topic_name(topic, settings): wanted_configs(topic, settings) for topic in topics}
        )

    def create_named(self, configs: Mapping[str, Mapping[str, str]]) -> None:
        """Creates those topics that do not exist, by their names on the broker."""
        with kafka_faults(self._settings):
            missing = configs.keys() - set(self._client.list_topics())
            wanted = {
                name: {
                    "num_partitions": self._settings.partitions,
                    "replication_factor": self._settings.replication,
                    "configs": dict(configs[name]),
                }
                for name in missing
            }
            if wanted:
                # A process that was just killed, or another one, may have created them already.
                with contextlib.suppress(TopicAlreadyExistsError):
                    self._client.create_topics(wanted, wait_for_metadata=True)

    def alter(self, topics: Sequence[Topic[Record]]) -> None:
        """Sets ALTERED_CONFIGS; raises ConfigurationError when the broker refuses that."""
        if not topics:
            return
        names = [topic_name(topic, self._settings) for topic in topics]
        resources = [
            ConfigResource(ConfigResourceType.TOPIC, name, ALTERED_CONFIGS) for name in names
        ]
        with kafka_faults(self._settings):
            answers = self._client.alter_configs(resources, raise_on_unknown=False)["topic"]
        refused = {name: answers[name] for name in names if answers[name] != "OK"}
        if refused:
            config, wanted = next(iter(ALTERED_CONFIGS.items()))
            raise ConfigurationError(
                f"topics cannot be altered: {refused}",
                setting="POSTRAIL_KAFKA__SASL_USERNAME",
                remedy="Grant it AlterConfigs on the topics, or set"
                f" {config}={wanted} with your broker's tools",
            )


def check_topics(settings: KafkaSettings) -> TopicCheck:
    """Compares the broker's topics with the declared ones."""
    with TopicAdmin(settings) as admin:
        found = admin.found()
    present = [topic for topic in TOPICS if topic.name in found]
    return TopicCheck(
        missing=[topic for topic in TOPICS if topic.name not in found],
        to_alter=[topic for topic in present if found[topic.name].must_be_altered],
        problems=[
            text for topic in present for text in differences(topic, settings, found[topic.name])
        ],
    )


def apply_topics(settings: KafkaSettings) -> AppliedTopics:
    """Creates missing topics and sets ALTERED_CONFIGS; raises ConfigurationError if any differs."""
    check = check_topics(settings)
    if check.problems:
        raise ConfigurationError(
            "topics differ from those that this release needs: " + "; ".join(check.problems),
            setting="POSTRAIL_KAFKA__PARTITIONS, POSTRAIL_KAFKA__RETENTION_DAYS",
            remedy="Change the settings to the values of the topics, or the topics' configuration"
            " with your broker's tools; the number of partitions can never change",
        )
    if check.missing or check.to_alter:
        with TopicAdmin(settings) as admin:
            admin.create(check.missing)
            admin.alter(check.to_alter)
    return AppliedTopics(
        created=[topic_name(topic, settings) for topic in check.missing],
        altered=[topic_name(topic, settings) for topic in check.to_alter],
    )
