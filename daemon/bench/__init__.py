"""Benchmarks that run on a user's machine with what the daemon itself needs: engine, ingest, and the whole daemon."""
