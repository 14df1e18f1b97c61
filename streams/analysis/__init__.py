"""What the log says about the criteria: reports, backtests, suggestions, and an export tried without Kafka."""
