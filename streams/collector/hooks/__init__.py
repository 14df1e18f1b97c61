"""Webhooks of mail providers and form tools: one module per provider, each a signature and a wire format."""
