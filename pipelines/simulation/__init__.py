"""Stand-ins for the world: a generated scene with known truth, and a camera server that plays it."""
