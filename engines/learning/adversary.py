"""The adversarial loss, kept under control."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm
from torch.optim import Adam

BEGIN: Final = 0.3
"""Share of the run that is over before the adversary has a say: by then the decoder has learnt the rest."""
_WIDTH: Final = 24
_RATE: Final = 4e-4


class PatchDiscriminator(nn.Module):
    """Tells for each patch of a picture whether it is real (Isola et al., pix2pix, CVPR 2017).

    Three convolutions with spectral normalisation (Miyato et al., ICLR 2018): it cannot become arbitrarily sharp.
    """

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            spectral_norm(nn.Conv2d(3, _WIDTH, 4, 2, 1)),
            nn.LeakyReLU(0.2),
            spectral_norm(nn.Conv2d(_WIDTH, 2 * _WIDTH, 4, 2, 1)),
            nn.LeakyReLU(0.2),
            spectral_norm(nn.Conv2d(2 * _WIDTH, 1, 3, 1, 1)),
        )

    def forward(self, picture: Tensor) -> Tensor:
        """Map [N, P, P, 3] in 0..1 to [N, 1, P/4, P/4]: positive where it looks real."""
        told: Tensor = self.layers(picture.permute(0, 3, 1, 2) * 2 - 1)
        return told


class Adversary:
    """A discriminator with its optimiser, and the bounded term that the decoder gets from it."""

    def __init__(self, most: float) -> None:
        self._most = most
        self.discriminator = PatchDiscriminator()
        self._optimiser = Adam(self.discriminator.parameters(), _RATE, betas=(0.5, 0.9))

    def term(self, loss: Tensor, picture: Tensor) -> Tensor:
        """What to add to the decoder's loss, which `picture` has led to.

        The weight is as large as makes its gradient with regard to the picture the share `most` of the loss's own,
        and at most 1 (the adaptive weight of Esser et al., VQGAN, CVPR 2021, with a bound).
        """
        fooled: Tensor = -self.discriminator(picture).mean()
        own, theirs = (_gradient(value, picture) for value in (loss, fooled))
        weight = min(1.0, self._most * own / max(theirs, 1e-12))
        return fooled * weight

    def learn(self, made: Tensor, real: Tensor) -> float:
        """Teach the discriminator by the hinge loss (Lim and Ye, 2017) and return it."""
        told_real, told_made = self.discriminator(real), self.discriminator(made.detach())
        loss = functional.relu(1 - told_real).mean() + functional.relu(1 + told_made).mean()
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        self._optimiser.step()
        return float(loss.detach())

    def state_dict(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"discriminator": self.discriminator.state_dict(), "optimiser": self._optimiser.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The inverse of `state_dict`."""
        self.discriminator.load_state_dict(state["discriminator"])
        self._optimiser.load_state_dict(state["optimiser"])


def _gradient(value: Tensor, picture: Tensor) -> float:
    (gradient,) = torch.autograd.grad(value, picture, retain_graph=True)
    return float(gradient.norm())
