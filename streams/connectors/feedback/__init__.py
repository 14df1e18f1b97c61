"""What sales answers, as it comes by HTTP: pure translators from a request to events of `sales-feedback`.

Each takes the body, the headers, secrets and the instant of arrival, and gives events of the contract and a reply,
or one refusal. Whoever mounts them adds `source`, `source_kind` and `received_at`, and publishes.
"""
