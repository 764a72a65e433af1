"""The parts that a recipe can switch on: each does what its name says."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="needs the learn extra")

import torch
from torch import Tensor, nn

from engines.network.attention import PooledAttention
from engines.network.bottleneck import Bottleneck
from engines.network.decoder import Decoder
from engines.network.diffusion import SIGMA, Denoiser, DenoisingDecoder, schedule
from engines.network.ensemble import Ensemble
from engines.network.flow import Flow
from engines.network.pyramid import FeaturePyramid
from engines.network.spectral import bound_gains, pointwise, settle


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


def gain(layer: nn.Conv2d) -> float:
    return float(torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2))


def stirred(module: nn.Module) -> nn.Module:
    """Random weights everywhere: what begins at zero does something."""
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.3)
    return module.eval()


# Spectral normalisation


def test_no_gain_exceeds_the_bound_and_small_ones_are_left_alone() -> None:
    net = nn.Sequential(nn.Conv2d(8, 16, 1), nn.ReLU(), nn.Conv2d(16, 8, 1), nn.Conv2d(8, 8, 3, groups=8))
    large, little, deep = (layer for layer in net if isinstance(layer, nn.Conv2d))
    large.weight.data *= 9
    little.weight.data *= 0.1
    before = [layer.weight.detach().clone() for layer in (little, deep)]
    assert gain(pointwise(net)[0]) > 2.5
    bound_gains(net, 2.0)
    net.train()
    for _ in range(20):
        net(torch.randn(1, 8, 4, 4))
    assert gain(pointwise(net)[0]) == pytest.approx(2.0, rel=1e-2)
    for layer, weight in zip((little, deep), before, strict=True):
        torch.testing.assert_close(layer.weight, weight)


def test_training_against_the_bound_keeps_to_it_and_settling_keeps_the_answer() -> None:
    net = nn.Sequential(nn.Conv2d(4, 4, 1, bias=False))
    bound_gains(net, 1.0)
    optimiser = torch.optim.SGD(net.parameters(), 0.02)
    for _ in range(200):
        x = torch.randn(2, 4, 3, 3)
        loss = (net(x) - 5 * x).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    x = torch.randn(1, 4, 3, 3)
    for _ in range(20):  # the power iteration catches up with the last steps
        before = net(x)
    settle(net)
    assert 0.9 < gain(pointwise(net)[0]) < 1.01
    assert [name for name, _ in net.named_parameters()] == ["0.weight"]
    torch.testing.assert_close(net(x), before, atol=1e-2, rtol=1e-2)


# Attention


def test_attention_begins_as_nothing_and_its_weights_add_up_to_one() -> None:
    attention, x = PooledAttention(6, heads=2), torch.randn(3, 6, 16, 16)
    torch.testing.assert_close(attention(x), x)
    weights = attention.weights(x)
    assert weights.shape == (3, 2, 256, 64)
    torch.testing.assert_close(weights.sum(-1), torch.ones(3, 2, 256))


def test_attention_looks_where_the_asked_for_is_to_be_seen() -> None:
    attention = PooledAttention(1, heads=1)
    for layer in (attention.query, attention.key):
        nn.init.constant_(layer.weight, 3.0)
        nn.init.zeros_(layer.bias)  # type: ignore[arg-type]  # it has one
    x = torch.zeros(1, 1, 16, 16)
    x[..., :2, :2] = 1
    x[..., 10:12, 4:6] = 1
    weights = attention.weights(x)[0, 0].detach()
    # A bright place looks at the two bright cells of the 8 x 8 grid, (0, 0) and (5, 2).
    assert set(weights[0].topk(2).indices.tolist()) == {0, 5 * 8 + 2}
    # A dark one has no preference.
    assert float(weights[-1].max()) == pytest.approx(1 / 64, rel=1e-4)


# Pyramid


def reach(module: nn.Module, channels: int) -> int:
    """How many places the answer at the middle depends on."""
    x = torch.randn(1, channels, 32, 32, requires_grad=True)
    module(x)[0, :, 16, 16].sum().backward()
    assert x.grad is not None
    return int((x.grad.abs().sum((0, 1)) > 0).sum())


def test_the_pyramid_takes_in_the_surroundings_at_every_scale() -> None:
    assert reach(FeaturePyramid((3, 4, 5), 8), 12) >= 16
    assert reach(stirred(FeaturePyramid((3, 4, 5), 8)), 12) >= 64


def test_each_scale_of_the_pyramid_counts() -> None:
    pyramid = stirred(FeaturePyramid((3, 4, 5), 8))
    x = torch.randn(1, 12, 32, 32, requires_grad=True)
    pyramid(x).sum().backward()
    assert x.grad is not None
    assert all(float(part.abs().sum()) > 0 for part in torch.split(x.grad, [3, 4, 5], 1))


# Bottleneck


@pytest.mark.parametrize(("pyramid", "heads"), [(False, 0), (True, 0), (False, 2), (True, 2)])
def test_the_bottleneck_begins_as_the_linear_one(pyramid: bool, heads: int) -> None:
    bottleneck = Bottleneck((3, 4, 5), 6, pyramid=pyramid, heads=heads).eval()
    features, linear = torch.randn(2, 12, 32, 32), torch.randn(2, 6, 32, 32)
    torch.testing.assert_close(bottleneck(features, linear), linear)
    looked = bottleneck.looked_at(features)
    assert looked is None if not heads else looked is not None and looked.shape == (2, heads, 1024, 64)


# Flow


def curved(count: int) -> Tensor:
    """Latents along a parabola: far from Gaussian. [count, 2, 1, 1]."""
    x = torch.randn(count)
    return torch.stack([x, x.square() - 1 + 0.2 * torch.randn(count)], 1)[:, :, None, None]


def test_a_flow_can_be_gone_back() -> None:
    flow, x = stirred(Flow(7, 4)), torch.randn(2, 7, 4, 4)
    torch.testing.assert_close(flow.inverse(flow(x)), x, atol=1e-4, rtol=1e-4)  # type: ignore[operator]  # a Flow


def test_a_flow_fits_a_density_that_a_gaussian_cannot() -> None:
    flow, x = Flow(2, 3), curved(512)
    before = float(flow.surprise(x).mean().detach())
    optimiser = torch.optim.Adam(flow.parameters(), 0.01)
    for _ in range(150):
        loss = flow.surprise(x).mean()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        optimiser.step()
    fresh = curved(512)
    assert float(flow.surprise(fresh).mean().detach()) < before - 0.3
    # (0, 1) is as near to the mean as (0, -1), where all the latents are, and off the curve.
    off, on = torch.tensor([0.0, 1.0]), torch.tensor([0.0, -1.0])
    assert flow.surprise(off[None, :, None, None]) > flow.surprise(on[None, :, None, None]) + 1


# Decoder


def test_skips_and_attention_begin_as_nothing() -> None:
    torch.manual_seed(3)
    plain = Decoder(6, 16, (3, 3)).eval()
    rich = Decoder(6, 16, (3, 3), heads=2, skips=True).eval()
    rich.load_state_dict(plain.state_dict(), strict=False)
    latent = torch.randn(1, 32, 32, 6)
    torch.testing.assert_close(rich(latent).picture, plain(latent).picture)


def test_skips_carry_the_latent_and_nothing_but_the_latent() -> None:
    """The picture is a function of the latent alone: with a normal latent put in its place nothing comes back."""
    decoder = stirred(Decoder(6, 16, (3, 3), skips=True))
    assert decoder.past is not None
    strange, normal = torch.randn(2, 32, 32, 6)
    strange[:16] = normal[:16]
    replaced = torch.where((strange - normal).abs().sum(-1, keepdim=True) > 0.1, normal, strange)
    torch.testing.assert_close(decoder(replaced[None]).picture, decoder(normal[None]).picture)
    cut = decoder(strange[None]).picture
    for way in decoder.past:  # type: ignore[union-attr]  # a ModuleList
        way.weight.data.zero_()
    assert (decoder(strange[None]).picture - cut).abs().mean() > 1e-3


# Ensemble


def test_an_ensemble_answers_the_mean_and_knows_where_it_is_unsure() -> None:
    ensemble = Ensemble([Decoder(6, 16, (3,)).eval() for _ in range(3)])
    latent = torch.randn(1, 32, 32, 6)
    members = ensemble.members(latent)
    torch.testing.assert_close(ensemble(latent).features, sum(m.features for m in members) / 3)
    assert float(ensemble.spread(latent).mean().detach()) > 0
    one = Ensemble([ensemble.decoders[0], ensemble.decoders[0]])  # type: ignore[list-item]  # decoders
    assert float(one.spread(latent).max().detach()) == pytest.approx(0, abs=1e-6)


# Diffusion


def taught() -> Denoiser:
    """A denoiser of latents that lie on a line."""
    denoiser = Denoiser(4, 16)
    optimiser = torch.optim.Adam(denoiser.parameters(), 3e-3)
    for _ in range(150):
        clean, sigma = on_a_line(16), torch.rand(16) * 0.9 + 0.1
        noise = sigma[:, None, None, None] * torch.randn(clean.shape)
        loss = (denoiser(clean + noise, sigma) - clean).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return denoiser.eval()


def on_a_line(count: int) -> Tensor:
    return torch.randn(count, 1, 8, 8) * torch.tensor([1.0, -1.0, 0.5, 0.2])[None, :, None, None]


@pytest.mark.parametrize("steps", [1, 3])
@torch.no_grad()
def test_denoising_leads_back_to_where_latents_lie(steps: int) -> None:
    with torch.enable_grad():
        denoiser = taught()
    decoder = DenoisingDecoder(denoiser, Decoder(4, 8, (3,)), steps).eval()
    clean = on_a_line(32).permute(0, 2, 3, 1)
    noisy = clean + SIGMA * torch.randn(clean.shape)
    error = (decoder.denoise(noisy) - clean).square().mean()
    assert error < 0.5 * (noisy - clean).square().mean()
    torch.testing.assert_close(decoder.denoise(noisy), decoder.denoise(noisy))


def test_the_level_of_noise_matters_and_falls() -> None:
    denoiser, x = stirred(Denoiser(4, 16)), torch.randn(1, 4, 8, 8)
    low, high = (denoiser(x, torch.tensor([level])) for level in (0.05, 0.9))
    assert (low - x).abs().mean() < (high - x).abs().mean()
    assert schedule(3)[0] == SIGMA > schedule(3)[1] > schedule(3)[2] > 0
