"""The encoder-decoder, one module a part."""
