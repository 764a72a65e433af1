"""The HTTP address: one thread, and a bound on everything that a client may do or take."""
