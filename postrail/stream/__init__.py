"""Speaks Kafka and Avro; the only package that imports kafka-python and fastavro.

kafka-python blocks, so each consumer and producer runs in a thread of its own behind an async
interface. Owns the tables: intake_offset, kafka_topic, outbox.
"""
