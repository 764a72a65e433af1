"""Work that is done in helper processes: what the daemon asks them, and what they answer.

Threads share one interpreter's lock. Reading dozens of streams and judging their frames takes and gives it back tens of
thousands of times a second, and cores stand idle while threads wait for it. Two narrow seams of the pipelines can
therefore lie between processes: a `Source` (`reading`) and a `Scorer` (`judging`). Everything else knows nothing of it.
"""
