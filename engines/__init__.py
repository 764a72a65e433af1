"""Tensors in, scores out: no cameras, no sockets."""
