"""Events from files: JSON lines as they are, CSV through a mapping. What `leadstreams send` does."""
