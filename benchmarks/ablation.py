"""The ablation table: each technique of the recipe trained and measured against the default, at one small budget.

    python -m benchmarks.ablation --rows all --steps 300 --out ablation.json --data ../shared/data
    python -m benchmarks.ablation --render ablation.json > table.md

Every row trains a whole network from the same pictures with the same seed and number of steps, exports it, enrols
each set by it and scores the set, all through the product's own classes. Rows that the file has already are not run
again, so a table can grow over hours; the default recipe is run first if the file lacks it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import torch
from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]  # it ships no stubs

import engines
from benchmarks.ablation_rows import BASELINE, ROWS
from benchmarks.ablation_sets import Footage, footage
from benchmarks.network import flop, milliseconds
from daemon.commands.train import generated
from engines.contract import Batch, Floats, Progress
from engines.detector import Detector
from engines.enrolment import Enrolment, EnrolmentSettings
from engines.evaluation.pixels import PixelTally
from engines.evaluation.truth import FrameTruth, Region
from engines.learning.encoded import EncodedCorpus
from engines.learning.recipe import Recipe, read_recipe
from engines.learning.train import encode, fresh_encoder, learn_from
from engines.network.files import Network
from engines.runtime.openvino import OpenVinoEngine

COLUMNS: Final = ("appearance-latent", "appearance-reconstruction", "fused")
_BATCH: Final = 16

Numbers = dict[str, Any]


@dataclass
class Bench:
    """What all rows share."""

    work: Path
    sets: dict[str, Footage]
    corpora: dict[str, EncodedCorpus] = field(default_factory=dict)

    def corpus(self, recipe: Recipe) -> EncodedCorpus:
        """The encoded pictures of a recipe; those of the last other recipe are given up."""
        seen = (recipe.seed, recipe.size, recipe.corpus, recipe.augmentation, recipe.anomalies)
        views = (recipe.views.count, recipe.views.moments, recipe.views.scales)
        key = hashlib.sha256(msgspec.json.encode((*seen, views))).hexdigest()[:12]
        if key not in self.corpora:
            folder = self.work / key
            folder.mkdir()
            while len(self.corpora) > 1:  # the first is the default's, which most rows share
                old = list(self.corpora)[-1]
                del self.corpora[old]
                (self.work / old / "features.npy").unlink()
            self.corpora[key] = encode(recipe, fresh_encoder(recipe), generated(), folder, _silent)
        return self.corpora[key]


def run(bench: Bench, name: str, recipe: Recipe) -> Numbers:
    """Train, export, enrol and score one row."""
    started = time.monotonic()
    corpus = bench.corpus(recipe)
    encoded_s = time.monotonic() - started
    with tempfile.TemporaryDirectory() as folder:
        torch.manual_seed(recipe.seed)
        learnt = learn_from(recipe, fresh_encoder(recipe), corpus, Path(folder), _silent)
    trained_s = time.monotonic() - started - encoded_s
    judged = {title: judge(learnt.network, one) for title, one in bench.sets.items()}
    return {
        "row": name,
        "technique": ROWS[name].technique,
        "recipe_id": recipe.id,
        "network": learnt.network.id,
        "figures": learnt.figures,
        "sets": judged,
        "gflop": round(sum(flop(recipe)) / 1e9, 3),
        "ms": round(sum(milliseconds(learnt.network, part, "f32") for part in ("encoder", "decoder")), 2),
        "encode_s": round(encoded_s),
        "train_s": round(trained_s),
        "judge_s": round(time.monotonic() - started - encoded_s - trained_s),
    }


def judge(network: Network, one: Footage) -> Numbers:
    """Enrol and score a set: frame and pixel AUROC of each appearance signal and of the fusion."""
    engine = OpenVinoEngine(network, precision="f32", threads=1)
    engine.open()
    try:
        enrolment = Enrolment(engine, network, EnrolmentSettings(false_alarms_per_day=24))
        enrolment.stretch("normal", still=one.still)
        enrolment.add(one.learn_s, one.learn)
        detector = Detector(engine, {"a": enrolment.finish().profile})
        columns, maps = _score(detector, one)
    finally:
        engine.close()
    truth = one.abnormal
    return {
        name: {"frame": round(float(roc_auc_score(truth, columns[name])), 4), "pixel": _pixel_auroc(maps[name], one)}
        for name in COLUMNS
    }


def _score(detector: Detector, one: Footage) -> tuple[dict[str, Floats], dict[str, Floats]]:
    columns: dict[str, list[Floats]] = {name: [] for name in COLUMNS}
    maps: dict[str, list[Floats]] = {name: [] for name in COLUMNS}
    for start in range(0, len(one.test), _BATCH):
        part = slice(start, start + _BATCH)
        times = tuple(one.test_s[part])
        scores = detector.score(Batch(("a",) * len(times), times, one.test[part]))
        for signal, values in scores.signals.items():
            columns.setdefault(signal, []).append(values)
            maps.setdefault(signal, []).append(scores.signal_maps[signal])
        columns["fused"].append(scores.score)
        maps["fused"].append(scores.map)
    return {n: np.concatenate(v) for n, v in columns.items()}, {n: np.concatenate(v) for n, v in maps.items()}


def _pixel_auroc(maps: Floats, one: Footage) -> float | None:
    tally = PixelTally(apart=False)
    for scores, mask in zip(maps, one.masks, strict=True):
        if mask is not None:
            regions = (Region(mask, "", None),) if mask.any() else ()
            tally.add(scores, FrameTruth(bool(mask.any()), regions=regions))
    value = tally.auroc()
    return None if value is None else round(value, 4)


def _silent(_progress: Progress) -> None:
    pass


def default_recipe(options: argparse.Namespace) -> Recipe:
    """The default recipe at the budget, with the versions of each picture that some rows need."""
    usual = read_recipe()
    return msgspec.structs.replace(
        usual,
        corpus=msgspec.structs.replace(usual.corpus, pictures=options.pictures),
        views=msgspec.structs.replace(usual.views, count=2, moments=0.3, scales=0.3),
        anomalies=msgspec.structs.replace(usual.anomalies, count=1),
        bottleneck=msgspec.structs.replace(usual.bottleneck, rounds=options.rounds),
        optimisation=msgspec.structs.replace(usual.optimisation, steps=options.steps, batch=options.batch),
    )


def tabulate(options: argparse.Namespace) -> None:
    """Run the rows that the file lacks."""
    default = default_recipe(options)
    names = list(ROWS) if options.rows == "all" else [BASELINE, *options.rows.split(",")]
    if unknown := set(names) - set(ROWS):
        raise SystemExit(f"no such row: {', '.join(sorted(unknown))}; there are {', '.join(ROWS)}")
    table = read_table(options.out, _budget(options))
    done = {row["recipe_id"] for row in table["rows"]}
    missing = [name for name in dict.fromkeys(names) if ROWS[name].recipe(default).id not in done]
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(dir=options.work) as work:
        sets = {name: footage(name, options.data) for name in options.sets.split(",")} if missing else {}
        bench = Bench(Path(work), sets)
        for name in missing:
            table["rows"].append(run(bench, name, ROWS[name].recipe(default)))
            write_table(options.out, table)
            print(render({**table, "rows": [r for r in table["rows"] if r["row"] in (BASELINE, name)]}), flush=True)


def _budget(options: argparse.Namespace) -> Numbers:
    names = ("steps", "batch", "pictures", "rounds", "sets")
    return {**{name: getattr(options, name) for name in names}, "code": _code()}


def _code() -> str:
    """The first 12 hex digits of the SHA-256 over the engine room: a change of detection moves every row."""
    digest = hashlib.sha256()
    for path in sorted(Path(engines.__file__).parent.rglob("*.py")):
        if "evaluation" not in path.parts:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def read_table(path: Path, budget: Numbers) -> Numbers:
    """The table so far. Rows of another budget, or of other code, do not belong in it."""
    if not path.exists():
        return {"budget": budget, "rows": []}
    table: Numbers = json.loads(path.read_text())
    if table["budget"] != budget:
        raise SystemExit(f"{path} has rows of another budget or other code, {table['budget']}: give another --out")
    return table


def write_table(path: Path, table: Numbers) -> None:
    """Write the table, replacing the old one whole."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(table, indent=1))
    part.replace(path)


def render(table: Numbers) -> str:
    """The table as Markdown: frame AUROC and, behind a stroke, pixel AUROC."""
    sets = list(table["rows"][0]["sets"]) if table["rows"] else []
    heads = [f"{name}: {short}" for name in sets for short in ("latent", "reconstruction", "fused")]
    lines = [
        "| " + " | ".join(["row", "what", *heads, "features explained", "PSNR dB", "GFLOP", "ms"]) + " |",
        "|---" * (len(heads) + 6) + "|",
    ]
    lines += ["| " + " | ".join(_cells(row, sets)) + " |" for row in table["rows"]]
    return "\n".join(lines)


def _cells(row: Numbers, sets: Sequence[str]) -> list[str]:
    values = [row["sets"][name][column] for name in sets for column in COLUMNS]
    aurocs = [f"{v['frame']:.3f}" + ("" if v["pixel"] is None else f" / {v['pixel']:.3f}") for v in values]
    figures = row["figures"]
    tail = [f"{figures['feature_explained']:.3f}", f"{figures['picture_psnr_db']:.1f}"]
    return [row["row"], row["technique"], *aurocs, *tail, f"{row['gflop']:.2f}", f"{row['ms']:.1f}"]


def main() -> None:
    """Run rows or render a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default=BASELINE, help="all, or names with commas between")
    parser.add_argument("--steps", type=int, default=300, help="of the decoder")
    parser.add_argument("--rounds", type=int, default=200, help="of a learnt bottleneck")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--pictures", type=int, default=300)
    parser.add_argument(
        "--sets", default="scene0,scene5", help="with commas between: sceneN, and tiles, office of --data"
    )
    parser.add_argument("--data", type=Path, help="the folder of the data sets")
    parser.add_argument("--out", type=Path, default=Path("ablation.json"))
    parser.add_argument("--work", type=Path, help="where to keep half a gigabyte for a while")
    parser.add_argument("--render", type=Path, metavar="FILE", help="print a table as Markdown and leave")
    options = parser.parse_args()
    if options.render:
        sys.stdout.write(render(json.loads(options.render.read_text())) + "\n")
    else:
        tabulate(options)


if __name__ == "__main__":
    main()
