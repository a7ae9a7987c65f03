"""A run that is killed and resumed ends with the bits of one that was not."""

import signal

import pytest
import torch

from kinema.data.clips.synthetic import moving_shapes
from kinema.data.samples.frame_pairs import PairSource
from kinema.systems.first_order.objective import FirstOrderTraining
from kinema.systems.system import find_system
from kinema.train.loop import TrainingLoop, make_accelerator
from kinema.train.run_folder import RunFolder

TINY = [
    "frames.size=[32, 32]",
    "keypoints.block_expansion=4",
    "keypoints.max_features=8",
    "motion.block_expansion=4",
    "motion.max_features=8",
    "generator.block_expansion=4",
    "generator.max_features=8",
    "discriminator.block_expansion=4",
    "discriminator.num_blocks=2",
    "discriminator.spectral_norm=true",
    "objective.perceptual=[]",
    "objective.generator_gan=1",
    "objective.feature_matching=[10, 10]",
    "train.average_decay=0.9",
]


def test_a_killed_run_goes_on_as_if_nothing_had_happened(tmp_path, start_run, finish, read_run, uninterrupted):
    process = start_run(tmp_path / "x", "train.batch_size=4")
    for line in process.stdout:
        if line == "step 6\n":
            process.send_signal(signal.SIGKILL)
            break
    process.stdout.close()
    assert process.wait(timeout=900) == -signal.SIGKILL
    left = max(path.stem for path in (tmp_path / "x" / "checkpoints").glob("*.safetensors"))
    assert left in ("step-0000004", "step-0000008")

    resumed = finish(start_run(tmp_path / "x", "--resume", "train.batch_size=4"))
    assert resumed.startswith(f"step {int(left[5:])}\n")
    (expected_log, expected), (log, actual) = read_run(uninterrupted), read_run(tmp_path / "x")
    assert {name.split("/")[0] for name in expected} == {"nets", "average", "optimizers"}
    assert expected.keys() == actual.keys()
    different = [name for name, value in expected.items() if not torch.equal(value, actual[name])]
    assert not different
    assert log == expected_log and [entry["step"] for entry in log] == list(range(1, 13))


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("channels_last", [True, False])
def test_a_new_loop_takes_over_in_the_middle(tmp_path, precision, channels_last):
    config = (
        find_system("first_order")
        .preset("small_64")
        .override([*TINY, f"train.precision={precision}", f"train.channels_last={channels_last}"])
    )
    clips = {f"clip{n}": clip for n, clip in enumerate(moving_shapes(2, 4, 32, seed=1))}
    source = PairSource.from_arrays(clips, config.pairs, seed=0)

    def make_loop() -> TrainingLoop:
        training = FirstOrderTraining(config, None)
        run = RunFolder(tmp_path, resume=(tmp_path / "config.json").exists())
        run.write_start(config.to_json(), {})
        accelerator = make_accelerator(device="cpu")
        loop = TrainingLoop(training, config.train, total_steps=6, config_json="{}", run=run, accelerator=accelerator)
        training.nets.train()
        return loop

    whole = make_loop()
    for step in range(6):
        if step == 3:
            whole.save()
        whole.take_step(source.batch(step, 2))
    torch.manual_seed(1)  # other weights, to be replaced
    later = make_loop()
    assert later.resume() == 3
    for step in range(3, 6):
        later.take_step(source.batch(step, 2))
    assert whole.average is not None and later.average is not None
    for expected, actual in ((whole.system.nets, later.system.nets), (whole.average.net, later.average.net)):
        actual_state = actual.state_dict()
        different = [
            name for name, value in expected.state_dict().items() if not torch.equal(value, actual_state[name])
        ]
        assert not different
