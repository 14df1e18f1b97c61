"""One peer: see its job."""
