"""The ablation table: each technique of the recipe trained and measured against the default, at one small budget.

    python -m benchmarks.ablation --rows all --work DIR --data ../shared/data --out ablation.json
    python -m benchmarks.ablation --render ablation.json > table.md

Every row trains a whole network by the same budget, exports and verifies it, and is judged on each set by the two
signals of appearance, which is what a recipe can change (`benchmarks.ablation_judge`). What rows have in common is
computed once and kept in DIR: the frozen encoder's features of pictures and footage, the footage, and each row's
network. So rows can be learnt first (`--learn-only`) and judged later, and judged again when the code that judges has
changed. Rows that the table has are not run again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
import torch

import benchmarks.ablation_judge
import benchmarks.ablation_sets
import engines.place
import engines.reconstruction
import engines.scoring
from benchmarks.ablation_judge import Numbers, judge, judge_set
from benchmarks.ablation_learn import School, corpus_key, costs, learning_code
from benchmarks.ablation_render import render
from benchmarks.ablation_rows import BASELINE, ROWS
from benchmarks.ablation_sets import Footage, footage
from engines.learning.recipe import Recipe, read_recipe
from engines.network.files import shared_network
from engines.runtime.openvino import OpenVinoEngine

SHIPPED: Final = "shipped"


def run(school: School, sets: dict[str, Footage], name: str, recipe: Recipe) -> Numbers:
    """Judge one row's network."""
    began = time.process_time()
    made = school.made(recipe)
    learnt = time.process_time()
    judged = judge(made, school.features(recipe), sets)
    return {
        "row": name,
        "technique": ROWS[name].technique,
        "recipe_id": recipe.id,
        "network": made.network.id,
        **made.facts,
        "sets": judged,
        "learn_s": round(learnt - began, 1),
        "judge_s": round(time.process_time() - learnt, 1),
    }


def run_shipped(sets: dict[str, Footage]) -> Numbers:
    """Judge the network that ships: the default recipe at its own budget."""
    network = shared_network()
    engine = OpenVinoEngine(network, precision="f32", threads=1)
    engine.open()
    try:
        judged = {title: judge_set(engine, one) for title, one in sets.items()}
    finally:
        engine.close()
    return {
        "row": SHIPPED,
        "technique": "the network that ships",
        "recipe_id": SHIPPED,
        "network": network.id,
        "figures": network.provenance["figures"],
        **costs(read_recipe(), network),
        "sets": judged,
    }


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


def chosen(rows: str, default: Recipe) -> dict[str, Recipe]:
    """The rows asked for, the baseline first, those that learn from the same pictures side by side."""
    names = list(ROWS) if rows == "all" else [BASELINE, *rows.split(",")]
    if unknown := set(names) - set(ROWS):
        raise SystemExit(f"no such row: {', '.join(sorted(unknown))}; there are {', '.join(ROWS)}")
    recipes = {name: ROWS[name].recipe(default) for name in names}
    keys = list(dict.fromkeys(corpus_key(recipe) for recipe in recipes.values()))
    return dict(sorted(recipes.items(), key=lambda item: keys.index(corpus_key(item[1]))))


def tabulate(options: argparse.Namespace, work: Path) -> None:
    """Run the rows that the file lacks."""
    recipes = chosen(options.rows, default_recipe(options))
    torch.set_num_threads(1)
    school = School(work)
    if options.learn_only:
        for name, recipe in recipes.items():
            print(name, school.made(recipe).facts, flush=True)
        return
    sets = present(options, work)
    table = read_table(options.out, budget(options, sets))
    done = {row["recipe_id"] for row in table["rows"]}
    makers = {recipe.id: partial(run, school, sets, name, recipe) for name, recipe in recipes.items()}
    for key, make in ({SHIPPED: partial(run_shipped, sets)} | makers).items():
        if key not in done:
            table["rows"].append(make())
            write_table(options.out, table)
            print(render({**table, "rows": table["rows"][-1:]}), flush=True)


def present(options: argparse.Namespace, work: Path) -> dict[str, Footage]:
    """The sets that are there; the others are said to be missing."""
    found = {name: footage(name, options.data, work) for name in options.sets.split(",")}
    for name in [name for name, one in found.items() if one is None]:
        print(f"{name}: not in {options.data or 'a folder given by --data'}, left out", file=sys.stderr)
    return {name: one for name, one in found.items() if one is not None}


def budget(options: argparse.Namespace, sets: dict[str, Footage]) -> Numbers:
    """What all rows of a table share."""
    names = ("steps", "batch", "pictures", "rounds")
    return {**{name: getattr(options, name) for name in names}, "sets": list(sets), "code": code()}


def code() -> str:
    """Changes with what learns and with what judges."""
    judges = (
        benchmarks.ablation_judge,
        benchmarks.ablation_sets,
        engines.place,
        engines.reconstruction,
        engines.scoring,
    )
    text = b"".join(Path(str(module.__file__)).read_bytes() for module in judges)
    return f"{learning_code()}-{hashlib.sha256(text).hexdigest()[:12]}"


def read_table(path: Path, wanted: Numbers) -> Numbers:
    """The table so far. Rows of another budget, or of other code, do not belong in it."""
    if not path.exists():
        return {"budget": wanted, "rows": []}
    table: dict[str, Any] = json.loads(path.read_text())
    if table["budget"] != wanted:
        raise SystemExit(f"{path} has rows of another budget or other code, {table['budget']}: give another --out")
    return table


def write_table(path: Path, table: Numbers) -> None:
    """Write the table, replacing the old one whole."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(table, indent=1))
    part.replace(path)


def main() -> None:
    """Run rows or render a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default=BASELINE, help="all, or names with commas between")
    parser.add_argument("--steps", type=int, default=200, help="of the decoder")
    parser.add_argument("--rounds", type=int, default=100, help="of a learnt bottleneck")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--pictures", type=int, default=240)
    parser.add_argument("--sets", default="scene0,scene5,tiles,office,ped1", help="with commas between")
    parser.add_argument("--data", type=Path, help="the folder of tiles, office and ped1; what it lacks is left out")
    parser.add_argument("--out", type=Path, default=Path("ablation.json"))
    parser.add_argument("--work", type=Path, help="where to keep what was computed, two gigabytes")
    parser.add_argument("--learn-only", action="store_true", help="train and keep the networks, judge nothing")
    parser.add_argument("--render", type=Path, metavar="FILE", help="print a table as Markdown and leave")
    options = parser.parse_args()
    if options.render:
        sys.stdout.write(render(json.loads(options.render.read_text())) + "\n")
        return
    with ExitStack() as stack:
        work = options.work or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        work.mkdir(parents=True, exist_ok=True)
        tabulate(options, work)


if __name__ == "__main__":
    main()
