"""The process: arguments, signals, settings, threads, exit codes."""
