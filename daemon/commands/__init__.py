"""What the `vigil` command does, one command a file. They are imported when they are called for."""
