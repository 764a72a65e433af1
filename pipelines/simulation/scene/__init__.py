"""A generated but plausible surveillance scene with ground truth."""

from pipelines.simulation.scene.anomalies import KINDS, Kind, Planted, plan_anomalies, plant
from pipelines.simulation.scene.lighting import EFFECT_KINDS, Effect, EffectKind
from pipelines.simulation.scene.scene import Scene
from pipelines.simulation.scene.truth import FrameTruth, Instance
from pipelines.simulation.scene.views import PLACES

VIEWS = len(PLACES)
"""How many views are designed; higher numbers are variations of them."""

__all__ = [
    "EFFECT_KINDS",
    "KINDS",
    "VIEWS",
    "Effect",
    "EffectKind",
    "FrameTruth",
    "Instance",
    "Kind",
    "Planted",
    "Scene",
    "plan_anomalies",
    "plant",
]
