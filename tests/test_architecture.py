"""Reads src/kinema as text and holds the rules of docs/reference/conventions.md.

Each rule is itself tested on a bad snippet.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

from kinema.systems import SYSTEMS

ROOT = Path(__file__).resolve().parents[1]
STAGES = ("keypoints", "motion", "synthesis", "sequences", "actions")
LAYERS = (
    ("core",),
    ("ops", "video"),
    ("blocks", "framing"),
    ("faces", "people"),
    STAGES,
    ("losses", "metrics", "data"),
    ("train", "simulation"),
    ("systems",),
    ("weights",),
    ("runtime",),
    ("tasks", "evaluation", "play"),
    ("jobs",),
    ("web",),
    ("cli",),
)
ABOVE_SYSTEMS = ("weights", "runtime", "tasks", "evaluation", "play", "jobs", "web", "cli")
RANK = {package: rank for rank, layer in enumerate(LAYERS) for package in layer}
CORE_DEPENDENCIES = {
    *("torch", "numpy", "av", "PIL", "pydantic", "typer", "rich", "safetensors"),
    "yaml",
}
MAX_FOLDER_FILES, MAX_FOLDER_LINES = 25, 3000
MAX_FILE_LINES, MAX_FUNCTION_LINES, MAX_ARGUMENTS = 600, 80, 10
NAMELESS = {"util", "utils", "helper", "helpers", "common", "misc"}
UNPICKLERS = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
NO_CORNERS = {"nearest", "nearest-exact", "area"}
SHAPE = re.compile(r"\((?:[A-Z]\w*'?|\d+|\.\.\.)[^(),]*,[^()]*\)|\b[Ss]calar\b|\bany shape\b")

Found = Iterator[tuple[int, str]]
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One file: ``path`` is relative to src/kinema, such as "ops/warp.py"."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def package(self) -> str:
        """The top-level folder, or "" for the files beside it."""
        return self.path.rpartition("/")[0].partition("/")[0]

    @property
    def module(self) -> str:
        parts = ["kinema", *self.path.removesuffix(".py").split("/")]
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def nodes(self, *kinds: type) -> Iterator[ast.AST]:
        return (node for node in ast.walk(self.tree) if isinstance(node, kinds))


def imported(source: Source, *, top_level_only: bool = False) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of everything imported; "from a import b" gives "a.b"."""
    for node in source.tree.body if top_level_only else ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                depth = node.level - source.path.endswith("__init__.py")
                parents = source.module.split(".")[: -depth or None]
                base = ".".join([*parents, *([base] if base else [])])
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and name_of(node.func) == "import_module" and node.args:
            if isinstance(node.args[0], ast.Constant):
                yield node.lineno, str(node.args[0].value)


def name_of(node: ast.expr) -> str:
    """Last part of a dotted expression: "grid_sample" for ``F.grid_sample``."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def calls(source: Source, *names: str) -> Iterator[ast.Call]:
    for node in source.nodes(ast.Call):
        if isinstance(node, ast.Call) and name_of(node.func) in names:
            yield node


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((entry.value for entry in call.keywords if entry.arg == name), None)


def public_definitions(body: list[ast.stmt], *, outer_is_public: bool = True) -> Iterator[Function | ast.ClassDef]:
    """Public functions, classes and methods, and every ``forward``; what stands inside functions is private."""
    for node in body:
        if isinstance(node, ast.ClassDef):
            is_public = outer_is_public and not node.name.startswith("_")
            if is_public:
                yield node
            yield from public_definitions(node.body, outer_is_public=is_public)
        elif isinstance(node, Function):
            marks = {name_of(mark) for mark in node.decorator_list}
            is_public = outer_is_public and not node.name.startswith("_")
            if (is_public or node.name == "forward") and not marks & {"overload", "setter"}:
                yield node


def holds_tensor(node: ast.AST | None) -> bool:
    """Whether an annotation has a Tensor of its own; state dicts and callables have no one shape."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        node = ast.parse(node.value, mode="eval").body
    if isinstance(node, ast.Subscript) and name_of(node.value) in {"dict", "Mapping", "Callable", "type"}:
        return False
    if isinstance(node, ast.Subscript) and name_of(node.value) == "Annotated" and isinstance(node.slice, ast.Tuple):
        return holds_tensor(node.slice.elts[0])  # what follows the type is help text
    if isinstance(node, ast.Name | ast.Attribute):
        return name_of(node) == "Tensor"
    return node is not None and any(holds_tensor(child) for child in ast.iter_child_nodes(node))


def imports_go_down(source: Source) -> Found:
    for line, name in imported(source):
        root, _, rest = name.partition(".")
        target = rest.partition(".")[0]
        if root != "kinema" or target == "__version__":
            continue
        if target not in RANK:
            if source.package not in ("", "cli"):
                yield line, f"{name}: the top of the package is for users, import the module that defines it"
        elif source.package and target != source.package and RANK[target] >= RANK[source.package]:
            both = target in STAGES and source.package in STAGES
            why = "a stage imports no other stage, systems/ joins them" if both else "imports go down the layers only"
            yield line, f"{source.package} imports {name}: {why}"


def for_types_alone(source: Source) -> set[int]:
    """Lines below ``if TYPE_CHECKING``, which never run."""
    blocks = [
        node for node in source.nodes(ast.If) if isinstance(node, ast.If) and name_of(node.test) == "TYPE_CHECKING"
    ]
    return {line for block in blocks for line in range(block.lineno, (block.end_lineno or block.lineno) + 1)}


def third_party_is_declared(source: Source) -> Found:
    silent = for_types_alone(source)
    for line, name in imported(source):
        root = name.partition(".")[0]
        if line in silent:
            continue
        if root not in sys.stdlib_module_names and root not in {*CORE_DEPENDENCIES, "kinema"}:
            yield line, f"{root} is no core dependency; an extra comes through kinema.core.checks.require_extra"


def sampling_lives_in_warp(source: Source) -> Found:
    if source.path == "ops/warp.py":
        return
    for node in source.nodes(ast.Attribute, ast.Name, ast.alias):
        name = node.name if isinstance(node, ast.alias) else name_of(node)  # type: ignore[arg-type]
        if name.startswith("grid_sample"):
            yield node.lineno, f"{name}: only ops/warp.py samples grids"


def torch_defaults_are_named(source: Source) -> Found:
    for call in calls(source, "grid_sample", "affine_grid"):
        if keyword(call, "align_corners") is None:
            yield call.lineno, f"{name_of(call.func)} without align_corners, whose default torch changed in 1.3"
    for call in calls(source, "meshgrid"):
        if keyword(call, "indexing") is None:
            yield call.lineno, "meshgrid without indexing"
    for call in calls(source, "interpolate", "Upsample"):
        at = {"interpolate": 3, "Upsample": 2}[name_of(call.func)]
        mode = keyword(call, "mode") or (call.args[at] if len(call.args) > at else None)
        smooth = mode is not None and not (isinstance(mode, ast.Constant) and mode.value in NO_CORNERS)
        if smooth and keyword(call, "align_corners") is None:
            yield call.lineno, f"{name_of(call.func)} with {ast.unparse(mode)} without align_corners"


def nothing_is_unpickled(source: Source) -> Found:
    for line, name in imported(source):
        reads = name.partition(".")[0] in UNPICKLERS and name != "pickle.UnpicklingError"
        if reads or name == "torch.load":
            yield line, f"{name}: weights are safetensors; the importer calls torch.load(..., weights_only=True)"
    for call in calls(source, "load"):
        owner = name_of(call.func.value) if isinstance(call.func, ast.Attribute) else ""
        if owner == "torch" and not is_true(keyword(call, "weights_only")):
            yield call.lineno, "torch.load without weights_only=True"
        if owner in ("np", "numpy") and keyword(call, "allow_pickle") is not None:
            yield call.lineno, "np.load with allow_pickle"


def is_true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def library_is_silent(source: Source) -> Found:
    if source.package != "cli":
        yield from ((call.lineno, "print outside cli") for call in calls(source, "print"))


def device_is_the_callers(source: Source) -> Found:
    for call in calls(source, "cuda", "set_default_device", "set_default_dtype"):
        yield call.lineno, f"{name_of(call.func)}: functions keep the device and dtype of their inputs"


def sizes_are_small(source: Source) -> Found:
    lines = source.text.count("\n")
    if lines > MAX_FILE_LINES:
        yield MAX_FILE_LINES + 1, f"{lines} lines, at most {MAX_FILE_LINES}"
    for node in source.nodes(ast.FunctionDef, ast.AsyncFunctionDef):
        assert isinstance(node, Function)
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        if length > MAX_FUNCTION_LINES:
            yield node.lineno, f"{node.name} has {length} lines, at most {MAX_FUNCTION_LINES}"
        names = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
        count = len([name for name in names if name not in ("self", "cls")])
        if count > MAX_ARGUMENTS and source.package != "cli":
            yield node.lineno, f"{node.name} has {count} arguments, at most {MAX_ARGUMENTS}: make them a config"


def files_are_named_for_a_subject(source: Source) -> Found:
    for part in source.path.removesuffix(".py").split("/"):
        if part in NAMELESS:
            yield 1, f"'{part}' names no subject"


def public_things_have_docstrings(source: Source) -> Found:
    if source.text.strip() and not ast.get_docstring(source.tree):
        yield 1, "no module docstring"
    for node in public_definitions(source.tree.body):
        if not ast.get_docstring(node):
            yield node.lineno, f"{node.name} has no docstring"


def tensors_have_shapes(source: Source) -> Found:
    for node in public_definitions(source.tree.body):
        if not isinstance(node, Function):
            continue
        arguments = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
        has_tensor = any(holds_tensor(entry) for entry in (node.returns, *(a.annotation for a in arguments)))
        if has_tensor and not SHAPE.search(ast.get_docstring(node) or ""):
            yield node.lineno, f"the docstring of {node.name} states no shape such as (B, 3, H, W)"


def upper_layers_name_no_system(source: Source) -> Found:
    if source.package not in ABOVE_SYSTEMS or source.path.startswith("weights/authors/"):
        return
    for line, name in imported(source):
        parts = name.split(".")
        if parts[:2] == ["kinema", "systems"] and len(parts) > 2 and parts[2] in SYSTEMS:
            yield line, f"{name}: reach a system through kinema.systems.system and what it offers there"
    for node in source.nodes(ast.Constant):
        # "smile" is also a verb and a protocol, "head" a shipped model, which verbs name, and a protocol.
        if isinstance(node, ast.Constant) and node.value in set(SYSTEMS) - {"smile", "head"}:
            yield node.lineno, f"'{node.value}': what is special about a system is a field or hook of System"


def requests_are_data(source: Source) -> Found:
    for node in source.nodes(ast.ClassDef):
        if not isinstance(node, ast.ClassDef) or not node.name.endswith("Request"):
            continue
        for field in node.body:
            if isinstance(field, ast.AnnAssign):
                words = {name_of(part) for part in ast.walk(field.annotation) if isinstance(part, ast.expr)}
                if live := words & {"Any", "Callable", "Tensor", "ndarray", "Progress", "Models"}:
                    yield field.lineno, f"{node.name} has a field of type {', '.join(live)}: no queue can carry it"


RULES: tuple[Callable[[Source], Found], ...] = (
    imports_go_down,
    third_party_is_declared,
    sampling_lives_in_warp,
    torch_defaults_are_named,
    nothing_is_unpickled,
    library_is_silent,
    device_is_the_callers,
    sizes_are_small,
    files_are_named_for_a_subject,
    public_things_have_docstrings,
    tensors_have_shapes,
    upper_layers_name_no_system,
    requests_are_data,
)
SOURCES = tuple(
    Source(path.relative_to(ROOT / "src/kinema").as_posix(), path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / "src/kinema").rglob("*.py"))
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_package_keeps(rule: Callable[[Source], Found]) -> None:
    assert len(SOURCES) > 20
    broken = [f"src/kinema/{s.path}:{line}: {rule.__name__}: {what}" for s in SOURCES for line, what in rule(s)]
    assert not broken, "\n" + "\n".join(broken)


def crowded(sources: tuple[Source, ...]) -> list[str]:
    """Folders that hold more files or lines of their own, those of sub-folders not counted, than one subject needs."""
    lines: dict[str, list[int]] = {}
    for source in sources:
        lines.setdefault(source.path.rpartition("/")[0], []).append(source.text.count("\n"))
    return [
        f"{folder}: {len(each)} files, {sum(each)} lines"
        for folder, each in sorted(lines.items())
        if len(each) > MAX_FOLDER_FILES or sum(each) > MAX_FOLDER_LINES
    ]


def test_no_folder_is_crowded() -> None:
    assert crowded(SOURCES) == []


def test_a_crowded_folder_is_found() -> None:
    many = tuple(Source(f"ops/{number}.py", "") for number in range(MAX_FOLDER_FILES + 1))
    long = (Source("web/a.py", "\n" * MAX_FOLDER_LINES), Source("web/b.py", "\n"), Source("web/play/c.py", "\n"))
    assert crowded(many) == ["ops: 26 files, 0 lines"] and crowded(long) == ["web: 2 files, 3001 lines"]


def first_cycle(sources: tuple[Source, ...]) -> list[str]:
    """Modules that import each other at their top level, in order, the first one again at the end; or nothing."""
    modules = {source.module: source for source in sources}
    edges = {
        name: {
            target if target in modules else target.rpartition(".")[0]
            for _, target in imported(source, top_level_only=True)
        }
        & (modules.keys() - {name})
        for name, source in modules.items()
    }
    finished: set[str] = set()

    def visit(name: str, trail: list[str]) -> list[str]:
        if name in trail:
            return [*trail[trail.index(name) :], name]
        if name in finished:
            return []
        for target in sorted(edges[name]):
            if cycle := visit(target, [*trail, name]):
                return cycle
        finished.add(name)
        return []

    return next((cycle for name in sorted(modules) if (cycle := visit(name, []))), [])


def test_no_modules_import_each_other() -> None:
    assert first_cycle(SOURCES) == []


def test_a_cycle_is_found() -> None:
    pair = (Source("ops/a.py", "from kinema.ops.b import x\n"), Source("ops/b.py", "from . import a\n"))
    assert first_cycle(pair) == ["kinema.ops.a", "kinema.ops.b", "kinema.ops.a"]


DOC = '"""Says."""\n'
LONG = "def f():\n" + "    pass\n" * MAX_FUNCTION_LINES
ELEVEN = ", ".join(f"a{i}" for i in range(11))
BAD = [
    (imports_go_down, "ops/grid.py", "from kinema.blocks.conv import ConvBlock\n"),
    (imports_go_down, "motion/dense.py", "def f():\n    import kinema.keypoints.parts\n"),
    (imports_go_down, "motion/dense.py", "from ..keypoints import parts\n"),
    (imports_go_down, "motion/dense.py", "from kinema import keypoints\n"),
    (imports_go_down, "motion/__init__.py", "from .. import keypoints\n"),
    (imports_go_down, "train/loop.py", "from kinema.systems import first_order\n"),
    (imports_go_down, "train/loop.py", 'import_module("kinema.systems.first_order")\n'),
    (imports_go_down, "losses/pyramid.py", "from kinema.metrics.image import l1\n"),
    (imports_go_down, "systems/smile/model.py", "from kinema import load\n"),
    (third_party_is_declared, "metrics/faces.py", "def f():\n    import dlib\n"),
    (third_party_is_declared, "blocks/features.py", "from torchvision.models import vgg19\n"),
    (sampling_lives_in_warp, "motion/dense.py", "F.grid_sample(x, grid, align_corners=True)\n"),
    (sampling_lives_in_warp, "motion/dense.py", "from torch.nn.functional import grid_sample as sample\n"),
    (sampling_lives_in_warp, "motion/dense.py", "torch.grid_sampler_2d(x, grid, 0, 0, True)\n"),
    (torch_defaults_are_named, "ops/warp.py", "F.grid_sample(x, grid)\n"),
    (torch_defaults_are_named, "ops/affine.py", "F.affine_grid(theta, size)\n"),
    (torch_defaults_are_named, "ops/grid.py", "torch.meshgrid(y, x)\n"),
    (torch_defaults_are_named, "ops/pyramid.py", 'F.interpolate(x, size, mode="bilinear")\n'),
    (torch_defaults_are_named, "ops/pyramid.py", 'F.interpolate(x, None, 2, "bicubic")\n'),
    (torch_defaults_are_named, "ops/pyramid.py", "F.interpolate(x, size, mode=mode)\n"),
    (torch_defaults_are_named, "blocks/conv.py", 'nn.Upsample(scale_factor=2, mode="bilinear")\n'),
    (nothing_is_unpickled, "weights/load.py", "import pickle\n"),
    (nothing_is_unpickled, "weights/load.py", "torch.load(path)\n"),
    (nothing_is_unpickled, "weights/load.py", "torch.load(path, weights_only=False)\n"),
    (nothing_is_unpickled, "weights/load.py", "from torch import load\n"),
    (nothing_is_unpickled, "data/cache.py", "np.load(path, allow_pickle=True)\n"),
    (library_is_silent, "data/folder.py", 'print("reading")\n'),
    (device_is_the_callers, "blocks/conv.py", "x.cuda()\n"),
    (sizes_are_small, "ops/grid.py", "x = 1\n" * (MAX_FILE_LINES + 1)),
    (sizes_are_small, "ops/grid.py", LONG),
    (sizes_are_small, "ops/grid.py", f"class C:\n    def f(self, {ELEVEN}): ...\n"),
    (files_are_named_for_a_subject, "ops/utils.py", DOC),
    (files_are_named_for_a_subject, "data/common/cache.py", DOC),
    (public_things_have_docstrings, "ops/grid.py", "x = 1\n"),
    (public_things_have_docstrings, "ops/grid.py", DOC + "def f(): ...\n"),
    (public_things_have_docstrings, "ops/grid.py", DOC + "class C: ...\n"),
    (public_things_have_docstrings, "ops/grid.py", DOC + "class _C:\n    def forward(self, x): ...\n"),
    (tensors_have_shapes, "ops/grid.py", f"def f(x: Tensor):\n    {DOC}"),
    (tensors_have_shapes, "ops/grid.py", f"class C:\n    def forward(self, x) -> list[torch.Tensor]:\n        {DOC}"),
    (tensors_have_shapes, "ops/grid.py", f'def f(x: "Tensor | None"):\n    {DOC}'),
    (upper_layers_name_no_system, "tasks/swap.py", "from kinema.systems.co_part.model import check_parts\n"),
    (upper_layers_name_no_system, "cli/learn.py", 'if name == "monkey_net":\n    pass\n'),
    (requests_are_data, "tasks/swap.py", "class SwapRequest(Request):\n    beside: Any = None\n"),
    (
        requests_are_data,
        "tasks/swap.py",
        "class SwapRequest(Request):\n    told: Callable[[int], None] | None = None\n",
    ),
]
GOOD = [
    (imports_go_down, "motion/dense.py", "from kinema.motion.sparse import f\nfrom kinema.ops import warp\n"),
    (imports_go_down, "motion/dense.py", "from . import sparse\nfrom kinema import __version__\n"),
    (imports_go_down, "cli/learn.py", "from kinema import load\nfrom kinema.systems import SYSTEMS\n"),
    (third_party_is_declared, "video/read.py", "import os.path, av\nfrom PIL import Image\n"),
    (third_party_is_declared, "train/loop.py", "if TYPE_CHECKING:\n    from accelerate import Accelerator\n"),
    (torch_defaults_are_named, "ops/pyramid.py", 'F.interpolate(x, size, mode="area")\nF.interpolate(x, size)\n'),
    (torch_defaults_are_named, "ops/warp.py", "F.grid_sample(x, grid, align_corners=True)\n"),
    (nothing_is_unpickled, "weights/load.py", "torch.load(path, weights_only=True)\nnp.load(path)\njson.load(file)\n"),
    (nothing_is_unpickled, "weights/load.py", "from pickle import UnpicklingError\n"),
    (library_is_silent, "cli/models.py", 'print("first_order-emoji")\n'),
    (sizes_are_small, "cli/learn.py", f"def run({ELEVEN}): ...\n"),
    (public_things_have_docstrings, "ops/grid.py", DOC + "def _f(): ...\nclass _C:\n    def g(self): ...\n"),
    (tensors_have_shapes, "ops/grid.py", 'def f(x: Tensor):\n    """(B, K + 1, H, W) to (N,)."""\n'),
    (tensors_have_shapes, "ops/grid.py", f"def f(x: dict[str, Tensor]):\n    {DOC}"),
    (upper_layers_name_no_system, "tasks/swap.py", 'from kinema.systems.system import find_system\nx = "smile"\n'),
    (upper_layers_name_no_system, "weights/authors/co_part.py", 'x = "co_part"\n'),
    (requests_are_data, "tasks/swap.py", "class SwapRequest(Request):\n    parts: tuple[int, ...] = ()\n"),
]


@pytest.mark.parametrize(("rule", "path", "text"), BAD)
def test_a_broken_rule_is_found(rule: Callable[[Source], Found], path: str, text: str) -> None:
    found = list(rule(Source(path, text)))
    assert len(found) == 1
    line, what = found[0]
    assert 1 <= line <= text.count("\n") and what


@pytest.mark.parametrize(("rule", "path", "text"), GOOD)
def test_a_kept_rule_is_silent(rule: Callable[[Source], Found], path: str, text: str) -> None:
    assert list(rule(Source(path, text))) == []
