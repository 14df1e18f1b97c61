"""Measurements on real Apache Kafka: `make bench`."""
