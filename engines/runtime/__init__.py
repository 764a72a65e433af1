"""Compiled networks behind the `Engine` protocol."""
