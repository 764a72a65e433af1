"""Whether a camera's stream and picture are well: faults of the camera are told as such, and never as anomalies."""
