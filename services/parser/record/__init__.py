"""Makes records: a fetched message in, a record that fits into Kafka and its blobs out."""
