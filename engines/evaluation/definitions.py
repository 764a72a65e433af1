"""What each figure of the report means, in words."""

from __future__ import annotations

from typing import Final

DEFINITIONS: Final = (
    (
        "Score",
        "Surprise: minus the logarithm (base 10) of the share of normal frames that score as high. As the "
        "product gives it: smoothed over past frames only.",
    ),
    (
        "Frame AUROC, average precision",
        "Over all judged frames of all clips pooled (micro); the mean of clips (macro) is over clips that "
        "have both kinds of frame.",
    ),
    (
        "F1",
        "Of flagged frames at the profile's own threshold. The best one is an upper bound that knows the truth.",
    ),
    (
        "Pixel AUROC",
        "Maps interpolated to the truth's masks (at most 256 pixels a side); each frame weighs the same. "
        "Frames whose anomaly nobody located are left out.",
    ),
    (
        "PRO",
        "Per-region overlap: the mean share of each region above the threshold, against the share of normal "
        "pixels there; area up to 0.3, over 0.3 (Bergmann et al., CVPR 2020).",
    ),
    (
        "Region AUROC",
        "Each abnormal region by its highest score, against each normal window of an 8 by 8 grid by its own.",
    ),
    (
        "RBDC, TBDC",
        "Region- and track-based detection criteria: areas under the share of regions (tracks) detected "
        "against false-positive regions a frame, 0 to 1; a region is detected at an intersection over union "
        "of 0.1, a track when a tenth of its regions is (Ramachandra and Jones, WACV 2020).",
    ),
    (
        "Event, false alarm",
        "Events as the daemon makes them, with hysteresis and cool-down. An event is false when it begins on "
        "a normal frame with no anomaly within one second, or still flags normal frames three seconds after "
        "the anomaly. The interval is Poisson's, 95 %.",
    ),
    (
        "Promised rate",
        "What the profile says of its own false alarms: its budget, and where the true rate may be as far as the "
        "footage it was enrolled on tells. Kept: that interval and the measured one have a rate in common.",
    ),
    (
        "Found, delay",
        "An anomaly is found when a frame is flagged while it is there or within a second after; the delay "
        "runs from its first frame.",
    ),
    (
        "Latency",
        "From the batch handed over to its scores, a frame's share; decoding is not in it.",
    ),
)
