"""The encoder-decoder: `files` is what ships and needs no torch; the other modules are the torch network itself."""
