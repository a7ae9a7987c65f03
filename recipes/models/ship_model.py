"""Copies the model of a run into the package, as float16 and with a card of its measured figures.

usage: ship_model.py RUN NAME
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from kinema.evaluation.protocols import PROTOCOLS
from kinema.weights.card import write_card
from kinema.weights.model_folder import read_model, save_model

FILES = Path(__file__).parents[2] / "src" / "kinema" / "weights" / "files"
NOTES = Path(__file__).parents[1] / "notes"
# Protocol -> clusters of the bootstrap.
RESAMPLED = {"repose": "people", "smile": "people", "play": "clips"}


def hours(run: Path) -> float:
    """Training time of a run in hours, from the speeds in its log, with that of the run that it started from."""
    started = json.loads((run / "starts.jsonl").read_text().splitlines()[0]).get("started_from") or {}
    first = Path(started.get("folder", "")).parent
    total, before = 0.0, 0
    batch_size = json.loads((run / "config.json").read_text())["train"]["batch_size"]
    for line in (run / "log.jsonl").read_text().splitlines():
        entry = json.loads(line)
        total += (entry["step"] - before) * batch_size / max(entry["frames_per_second"], 1e-9)
        before = entry["step"]
    return total / 3600 + (
        hours(first) if (first / "log.jsonl").is_file() else started.get("facts", {}).get("hours", 0)
    )


def remove_folders(facts: dict[str, Any]) -> dict[str, Any]:
    """Facts in which the runs that a run started from have only names, without the folders of this machine."""
    started = facts.get("started_from")
    if not started:
        return facts
    folder = Path(started["folder"])
    name = folder.parent.name if folder.name == "model" else folder.name
    return facts | {"started_from": started | {"folder": name, "facts": remove_folders(started["facts"])}}


def figures(run: Path) -> tuple[str, dict[str, Any]]:
    """Markdown tables of the reports beside the run, and only the means."""
    text, means = [], {}
    for protocol in (name for name in PROTOCOLS if (run / f"{name}.json").is_file()):
        report = json.loads((run / f"{protocol}.json").read_text())
        split = f"split {report['split']}" if report["split"] else "all clips"
        others = report["baselines"]
        counted = report.get("counted", f"{report['clips']} clips, {report['frames']} frames")
        groups = RESAMPLED.get(protocol, "groups of looks")
        text += [
            f"## {protocol}: {counted}, {split}",
            "",
            f"`kinema evaluate MODEL FOLDER --protocol {protocol}`; intervals: 95 %, bootstrap over {groups}.",
            "",
            f"| metric | model | interval | {' | '.join(method.replace('_', ' ') for method in others)} |",
            "|---|---|---|" + "---|" * len(others),
        ]
        for name, value in report["metrics"].items():
            cells = " | ".join(
                f"{others[method][name]['mean']:.4f}" if name in others[method] else "" for method in others
            )
            interval = "" if value["low"] is None else f"{value['low']:.4f} to {value['high']:.4f}"
            text.append(f"| {name} | {value['mean']:.4f} | {interval} | {cells} |")
        text.append("")
        means[protocol] = {name: round(value["mean"], 5) for name, value in report["metrics"].items()}
    return "\n".join(text), means


def main() -> None:
    """Ships the model of a run."""
    run, name = Path(sys.argv[1]), sys.argv[2]
    stored = read_model(run / "model")
    tables, means = figures(run)
    spent = hours(run)
    start = json.loads((run / "starts.jsonl").read_text().splitlines()[0])
    facts = {**remove_folders(stored.facts), "hours": round(spent, 2), "machine": start["machine"], "figures": means}
    note = (NOTES / f"{name}.md").read_text()
    cores = f"{start['threads']} CPU core{'' if start['threads'] == 1 else 's'} ({start['machine']})"
    lines = f"Trained for {spent:.1f} hours, on {cores} at the end.\n\n{note}\n{tables}"
    card = write_card(name, stored.system.name, stored.config, facts, body=lines)
    save_model(
        FILES / name,
        system=stored.system,
        config=stored.config,
        state=stored.state,
        facts=facts,
        card=card,
        half=True,
    )
    print(f"{FILES / name}: {(FILES / name / 'model.safetensors').stat().st_size / 2**20:.2f} MiB")


if __name__ == "__main__":
    main()
