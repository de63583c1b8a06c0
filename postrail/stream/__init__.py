"""Kafka and Avro: the only room that knows either.

kafka-python blocks, so each consumer and producer has a thread of its own behind an async face.
"""
