"""Where frames come from: streams, files, pictures, devices."""
