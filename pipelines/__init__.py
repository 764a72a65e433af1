"""Frames in, alerts out: no threads, no signals, no settings files."""
