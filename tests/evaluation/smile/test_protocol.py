"""The protocol of smiles on a folder of drawn faces whose movements are known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from kinema.blocks.features import EfficientNetLite0Features
from kinema.core.checks import InputError
from kinema.core.json_report import write_report
from kinema.data.labelled.expression_clips import LabelledClip, read_labelled_clips
from kinema.evaluation.protocols import EvaluateRequest, evaluate
from kinema.evaluation.request import Instruments
from kinema.evaluation.smile.conditions import Rows, Start
from kinema.evaluation.smile.faces import see_faces, spread_clips
from kinema.evaluation.smile.frames import clip_halves
from kinema.evaluation.smile.protocol import evaluate_smile
from kinema.evaluation.smile.videos import measured_frames
from kinema.evaluation.summary import summarise
from kinema.framing.pixels import to_frames, to_images
from kinema.metrics.frechet import frechet_distance
from kinema.metrics.image_quality import l1
from kinema.runtime.load import load
from kinema.systems.expression_gan.model import ExpressionGanModel
from kinema.systems.expression_gan.pipeline import ExpressionGanPipeline
from kinema.systems.expression_gan.presets import small_64 as expression_gan_64
from kinema.systems.smile.config import SmileConfig
from kinema.systems.smile.model import SmileModel
from kinema.systems.smile.pipeline import SmilePipeline
from kinema.systems.smile.presets import small_64
from kinema.systems.smile.system import SYSTEM
from kinema.video import VideoWriter, open_video, read_image
from kinema.weights.model_folder import save_model

from ...faces.faces import template
from ...loaded import given
from ...systems.expression_gan.conftest import TINY as TINY_EXPRESSION_GAN
from ...systems.smile.conftest import TINY

LENGTH = 8
LABELS = ("posed", "spontaneous")
STRENGTH = torch.linspace(0, 1, LENGTH)
# Style to the points that move, by how much of the eye distance: seven sideways, six down, six up.
MOVES = {0: ([48, 59, 60, 53, 54, 55, 64], (0.15, 0)), 1: ([*range(56, 59), *range(65, 68)], (0, 0.2)),
         2: ([*range(48, 51), *range(52, 55)], (0, -0.15))}  # fmt: skip
Pair = tuple[str, int]


def face(label: str, style: int, person: int) -> torch.Tensor:
    """(T, 68, 2) points in pixels of 32x32: spontaneous smiles are half as strong."""
    points, move = MOVES[style]
    moved = torch.zeros(68, 2)
    moved[points] = torch.tensor(move) * (1 if label == "posed" else 0.5)
    own = template() * (1 + 0.05 * person)
    return 16 + 16 * (own + STRENGTH[:, None, None] * moved)


def write_clips(folder: Path, split: str, people: range, *, styles: tuple[int, ...] = (0, 1, 2)) -> None:
    """A clip for each person, label and style as a table; pictures grow brighter, other styles by other steps."""
    (folder / split).mkdir(parents=True)
    rows = [(person, label, style) for person in people for label in range(2) for style in styles]
    for index, (person, label, style) in enumerate(rows):
        with VideoWriter(folder / split / f"{person}_{index}.mp4", frame_rate=25, preset="ultrafast") as writer:
            for moment in range(LENGTH):
                image = np.full((32, 32, 3), 40 + 10 * person + (3 + label + style) * moment, dtype=np.uint8)
                image[:, 16:] += 60
                writer.write(image)
    np.savez(
        folder / f"{split}.npz",
        clip=np.array([f"{split}/{row[0]}_{index}.mp4" for index, row in enumerate(rows)]),
        label=np.array([row[1] for row in rows]),
        label_names=np.array(LABELS),
        identity=np.array([row[0] for row in rows]),
        landmarks=np.stack([face(LABELS[row[1]], row[2], row[0]).numpy() for row in rows]) + 0.5,
        style=np.array([row[2] for row in rows]),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people to learn from, two to measure on, six clips each."""
    path = tmp_path_factory.mktemp("smiles")
    write_clips(path, "train", range(1, 3))
    write_clips(path, "test", range(3, 5))
    return path


def make_config(*assignments: str) -> SmileConfig:
    return small_64().override([*TINY, *assignments])


def make_pipeline(*assignments: str, still: bool = False) -> SmilePipeline:
    torch.manual_seed(3)
    model = SmileModel(make_config(*assignments))
    for parameter in model.parameters():
        parameter.data += 0.05 * torch.randn(parameter.shape)
    if still:
        torch.nn.init.zeros_(model.embedding.head.weight)
        torch.nn.init.zeros_(model.embedding.head.bias)
    return SmilePipeline(model)


@pytest.fixture(scope="module")
def report(folder: Path) -> dict[str, Any]:
    torch.manual_seed(4)
    features = EfficientNetLite0Features()
    request = EvaluateRequest(model="given", folder=folder, protocol="smile")
    return evaluate_smile(make_pipeline(), request, Instruments(features=features))


def moved_share(label: str, style: int) -> float:
    """Mean distance from the neutral face, in % of the eye distance, by hand; see ``face`` for the persons' sizes."""
    points, move = MOVES[style]
    return 100 * len(points) / 68 * float(np.hypot(*move)) * (1 if label == "posed" else 0.5) * 0.5


def test_repeating_the_neutral_face_errs_as_far_as_faces_move(report: dict[str, Any], folder: Path):
    styles = dict(zip(np.load(folder / "test.npz")["clip"], np.load(folder / "test.npz")["style"], strict=True))
    wanted = []
    for row in report["per_clip"]:
        eyes = 1 + 0.05 * int(row["identity"])  # the template's are 1 apart
        wanted.append(moved_share(row["label"], int(styles[f"{row['code']}.mp4"])) / eyes)
        assert row["repeat_source"]["best_of_error"] == pytest.approx(wanted[-1], rel=1e-3)
    still = report["baselines"]["repeat_source"]
    assert still["best_of_error"]["mean"] == pytest.approx(np.mean(wanted), rel=1e-3) == still["mean_error"]["mean"]
    assert still["jitter"]["mean"] == pytest.approx(0, abs=1e-4) and "label_accuracy" not in still
    assert report["clips"] == 12 and report["clusters"] == 2 and report["left_out"] == []


def test_the_mean_of_the_label_is_exact_where_it_has_one_style(tmp_path: Path):
    write_clips(tmp_path, "train", range(1, 2), styles=(1,))
    write_clips(tmp_path, "test", range(1, 2), styles=(1,))
    with pytest.raises(InputError, match="person '1' is in the splits"):
        evaluate(
            EvaluateRequest(model="given", folder=tmp_path, protocol="smile", perceptual="none"), given(make_pipeline())
        )
    table = dict(np.load(tmp_path / "test.npz"))
    np.savez(tmp_path / "test.npz", **(table | {"identity": np.array(["else"] * 2)}))
    report = evaluate(
        EvaluateRequest(model="given", folder=tmp_path, protocol="smile", perceptual="none"), given(make_pipeline())
    )
    mean = report["baselines"]["label_mean"]
    assert mean["best_of_error"]["mean"] == pytest.approx(0, abs=1e-3) and mean["label_accuracy"]["mean"] == 1
    assert "coverage" not in report["metrics"]  # one style is no choice
    # The same figures with nothing but a list of clips, which knows no styles.
    lines = ["clip,label,identity,landmarks,split"]
    for split in ("train", "test"):
        for clip in read_labelled_clips(tmp_path, split):
            np.save(tmp_path / f"{clip.code}.npy", clip.landmarks)
            lines.append(f"{clip.code}.mp4,{clip.label},{clip.identity},{clip.code}.npy,{split}")
    (tmp_path / "clips.csv").write_text("\n".join(lines) + "\n")
    for split in ("train", "test"):
        (tmp_path / f"{split}.npz").unlink()
    listed = evaluate(
        EvaluateRequest(model="given", folder=tmp_path, protocol="smile", perceptual="none"), given(make_pipeline())
    )
    assert listed["metrics"] == report["metrics"]
    assert any(line.startswith("no coverage") for line in listed["notes"])


def test_a_model_that_stands_still_scores_what_repeating_does(folder: Path):
    report = evaluate(
        EvaluateRequest(model="given", folder=folder, protocol="smile", perceptual="none"),
        given(make_pipeline(still=True)),
    )
    model, still = report["metrics"], report["baselines"]["repeat_source"]
    for figures in (model, report["baselines"]["single"]):
        for name in ("best_of_error", "mean_error"):
            assert figures[name]["mean"] == pytest.approx(still[name]["mean"], rel=1e-4)
    assert model["pair_distance"]["mean"] == model["coverage"]["mean"] == model["coverage_posed"]["mean"] == 0
    assert model["coverage"]["clips"] == 2 and model["coverage_posed"]["clips"] == 2 and model["jitter"]["clips"] == 4
    assert report["baselines"]["real"]["label_accuracy"]["clips"] == 12


def test_frames_are_those_that_the_pipeline_makes(report: dict[str, Any], folder: Path):
    pipeline = make_pipeline()
    clips = {clip.code: clip for clip in read_labelled_clips(folder, "test")}
    for index in (1, 10):
        row = report["per_clip"][index]
        clip = clips[row["code"]]
        with open_video(clip.path) as reader:
            true = np.stack([frame.image for frame in reader])
        first = clips[next(each for each in report["per_start"] if row["code"] in each["codes"])["codes"][0]]
        with open_video(first.path) as reader:
            neutral = next(iter(reader)).image
        smile = pipeline.prepare(neutral, clip.landmarks[0])
        sequences = smile.sequences(clip.label)
        wanted = to_frames(true[measured_frames(LENGTH)])
        for who, points in (
            ("model", sequences[row["mode"]]), ("translation", torch.from_numpy(clip.landmarks)),
            ("repeat_source", None),
        ):  # fmt: skip
            shown = [neutral if points is None else smile.step(points[moment]) for moment in measured_frames(LENGTH)]
            error = float(l1(to_frames(np.stack(shown)), wanted).mean())
            assert row[who]["l1"] == pytest.approx(error, abs=5e-4), who
    assert set(report["baselines"]["translation"]) == {"l1", "ssim", "perceptual", "frechet"}
    assert set(report["baselines"]["label_mean"]) == {"best_of_error", "mean_error", "jitter", "label_accuracy"}
    assert report["frames"] == 12 * (LENGTH - 1)


def test_the_floor_is_the_distance_of_two_halves_of_the_clips(report: dict[str, Any], folder: Path):
    torch.manual_seed(4)
    network, halves = EfficientNetLite0Features(), ([], [])
    by_code = {clip.code: clip for clip in read_labelled_clips(folder, "test")}
    codes = [code for start in report["per_start"] for code in start["codes"]]
    for place, code in enumerate(codes):
        with open_video(by_code[code].path) as reader:
            images = np.stack([frame.image for frame in reader])
        # Six clips a person: by turns, the second person's the other way round.
        halves[(place + place // 6) % 2].append(network.pooled(to_frames(images[1:])).detach().numpy())
    floor = frechet_distance(*(np.concatenate(half) for half in halves))
    real = report["baselines"]["real"]["frechet"]
    assert real["mean"] == pytest.approx(floor, rel=1e-3, abs=1e-6) and real["low"] is None
    assert report["metrics"]["frechet"]["mean"] > floor and report["frechet_network"] == "efficientnet_lite0"
    assert report["baselines"]["repeat_source"]["frechet"]["mean"] > floor


def test_halves_take_turns_and_share_identities():
    clip = LabelledClip("c", Path("c.mp4"), "posed", "", np.zeros((2, 68, 2), dtype=np.float32))
    starts = [Start(who, "posed", (clip,) * count) for who, count in (("a", 3), ("b", 3), ("a", 2))]
    assert clip_halves(Rows.of(starts)) == [0, 1, 0, 1, 0, 1, 1, 0]


def test_rows_that_cannot_have_a_metric_are_not_counted():
    rows = [{"a": {"x": 1.0}}, {"a": {"y": None, "x": 3.0}}, {"b": {"x": 9.0}}]
    summary = summarise(rows, "a", ["1", "2", "3"], 0)
    assert summary["x"]["mean"] == 2 and summary["x"]["clips"] == 2 and summary["x"]["missing"] == 0
    assert summary["y"]["mean"] is None and summary["y"]["missing"] == 1
    assert summarise(rows, "c", ["1", "2", "3"], 0) == {}


def test_expression_gan_has_figures_of_frames_alone(folder: Path, predictor_model: Path):
    torch.manual_seed(1)
    config = expression_gan_64().override([*TINY_EXPRESSION_GAN, f"expressions.length={LENGTH}"])
    pipeline = ExpressionGanPipeline(ExpressionGanModel(config))
    beside = load(predictor_model, device="cpu")
    report = evaluate(
        EvaluateRequest(model="given", folder=folder, protocol="smile", beside="beside", limit=7, perceptual="none"),
        given(pipeline, beside=beside),
    )
    assert set(report["metrics"]) == {"l1", "ssim"} and report["clips"] == 7
    assert set(report["baselines"]) == {"repeat_source", "predicted"} and report["frechet_network"] is None
    row = report["per_clip"][1]
    clips = read_labelled_clips(folder, "test")
    true, neutral = [], None
    with open_video(clips[1].path) as reader:
        true = [frame.image for frame in reader]
    with open_video(clips[0].path) as reader:
        neutral = next(iter(reader)).image
    made = np.stack(list(pipeline.frames(neutral, clips[1].label, length=LENGTH)))
    wanted = to_frames(np.stack(true)[1:])
    assert row["model"]["l1"] == pytest.approx(float(l1(to_frames(made[1:]), wanted).mean()), abs=1e-5)
    predicted = torch.cat(list(beside.predict(beside.prepare(neutral, crop="none"), LENGTH - 1)))
    shown = to_frames(to_images(predicted))
    assert row["predicted"]["l1"] == pytest.approx(float(l1(shown, wanted).mean()), abs=1e-5)


def test_what_cannot_be_measured_is_said_in_one_line(folder: Path, tmp_path: Path):
    drawn = make_pipeline("landmarks.embedding.representation=images")
    with pytest.raises(InputError, match="generates drawings of landmarks"):
        evaluate(EvaluateRequest(model="given", folder=folder, protocol="smile", perceptual="none"), given(drawn))
    with pytest.raises(InputError, match="this config knows sad, glad"):
        evaluate(
            EvaluateRequest(model="given", folder=folder, protocol="smile", perceptual="none"),
            given(make_pipeline("labels=[sad, glad]")),
        )
    write_clips(tmp_path, "test", range(3, 4))
    with pytest.raises(InputError, match="no labelled clips of split 'train'"):
        evaluate(
            EvaluateRequest(model="given", folder=tmp_path, protocol="smile", perceptual="none"), given(make_pipeline())
        )


def test_clips_are_spread_over_labels_and_people(folder: Path):
    clips = read_labelled_clips(folder, "train")
    chosen = spread_clips(clips, LABELS, 4)
    assert sorted((clip.label, clip.identity) for clip in chosen) == sorted(
        (label, identity) for label in LABELS for identity in ("1", "2")
    )
    assert len(spread_clips(clips, LABELS, 99)) == 12


@pytest.mark.extra("dlib", "dlib", "face_recognition_models")
def test_faces_are_embedded_and_looked_for(tmp_path: Path):
    write_clips(tmp_path, "train", range(1, 2), styles=(1,))
    write_clips(tmp_path, "test", range(3, 5), styles=(1,))
    pipeline = make_pipeline("expressions.length=3", "landmarks.num_modes=1")
    report = evaluate(
        EvaluateRequest(model="given", folder=tmp_path, protocol="smile", face=True, perceptual="none"), given(pipeline)
    )
    model, baselines = report["metrics"], report["baselines"]
    # Grey squares: nobody is found there, and chips are cut all the same.
    assert model["face_found"]["mean"] == baselines["real"]["face_found"]["mean"] == 0
    assert any(line.startswith("no seen_label_accuracy") for line in report["notes"])
    assert set(baselines["stranger"]) == {"identity_to_neutral", "identity_to_true"}
    assert "identity_to_true" not in baselines["real"] and "identity_to_neutral" not in baselines["repeat_source"]
    share = model["identity_to_true"]["mean"] / baselines["stranger"]["identity_to_true"]["mean"]
    assert report["identity_shares"]["model"]["identity_to_true"] == pytest.approx(share)


@pytest.mark.extra("dlib", "dlib", "face_recognition_models")
def test_gaps_of_the_detector_are_filled(assets: Path):
    portrait = read_image(assets / "portrait.jpg")
    blank = np.zeros_like(portrait)
    seen = see_faces(np.stack([portrait, blank, portrait]))
    assert seen.found == pytest.approx(2 / 3) and seen.sequence is not None and seen.sequence.shape == (3, 68, 2)
    torch.testing.assert_close(seen.sequence[1], seen.sequence[0])
    assert see_faces(np.stack([portrait, blank, blank])).sequence is None


def test_the_command_prints_and_writes(kinema: Any, folder: Path, tmp_path: Path, predictor_model: Path):
    config = make_config()
    save_model(
        tmp_path / "model", system=SYSTEM, config=config, state=SmileModel(config).state_dict(), facts={}, card="#\n"
    )
    words = ["evaluate", tmp_path / "model", folder, "--perceptual", "none", "--device", "cpu"]
    path = tmp_path / "smile.json"
    code, printed, err = kinema(*words, "--protocol", "smile", "--beside", predictor_model, "--json", path)
    assert code == 0, err
    assert "smile, 12 clips of 2 identities" in printed and "best_of_error" in printed and "predicted" in printed
    told = json.loads(path.read_text())
    write_report(tmp_path / "again.json", told)
    assert told["beside"] == str(predictor_model) and told["metrics"]["coverage"]["mean"] is not None
    code, _, err = kinema(*words, "--beside", predictor_model)
    assert code == 2 and "the protocol reconstruction measures one model" in err
