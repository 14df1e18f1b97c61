"""Measurements on real Apache Kafka: `make bench` (benchmarks/README.md)."""
