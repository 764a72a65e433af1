"""Several decoders that answer as one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from engines.network.decoder import Decoder, DecoderOutput


class Ensemble(nn.Module):
    """The mean of decoders that began differently and saw different pictures; their spread says how sure it is.

    Lakshminarayanan et al., Simple and scalable predictive uncertainty estimation using deep ensembles, NeurIPS 2017.
    """

    def __init__(self, decoders: Sequence[Decoder]) -> None:
        super().__init__()
        self.decoders = nn.ModuleList(decoders)

    def members(self, latent: Tensor) -> list[DecoderOutput]:
        """What each decoder says of float32 [N, h, w, C]."""
        return [decoder(latent) for decoder in self.decoders]

    def spread(self, latent: Tensor) -> Tensor:
        """How far the decoders' features differ: the deviation at each place, [N, h, w]."""
        features = torch.stack([output.features for output in self.members(latent)])
        return features.var(0, correction=0).mean(-1).sqrt()

    def start_linear(self, back: Tensor) -> None:
        """Begin training as the linear way back, all of them."""
        for decoder in self.decoders:
            assert isinstance(decoder, Decoder)
            decoder.start_linear(back)

    def forward(self, latent: Tensor) -> DecoderOutput:
        """Decode float32 [N, h, w, C]."""
        outputs = self.members(latent)
        features = torch.stack([output.features for output in outputs]).mean(0)
        return DecoderOutput(features, torch.stack([output.picture for output in outputs]).mean(0))
