"""Docstrings, requests, options and settings -> the generated pages of docs/reference, as Markdown.

python recipes/documentation/write_reference.py docs/reference

Fails with one line a fault where a public name has no docstring, or where a docstring leaves a field, an argument or an
option unexplained.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
import re
import sys
import types
import typing
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import annotated_types
import numpy as np
import typer
import typer.core
from pydantic import BaseModel
from pydantic.fields import FieldInfo

import kinema
import kinema.evaluation
import kinema.tasks
from kinema import api
from kinema.cli.main import VERBS, build_app
from kinema.core import progress
from kinema.core.config import Config
from kinema.core.request import Request
from kinema.play.session import GameSession
from kinema.systems import SYSTEMS
from kinema.systems.system import find_system
from kinema.video import Frame, VideoInfo, VideoReader

EVENTS: tuple[type, ...] = typing.get_args(progress.Event)
PAGES = ("functions.md", "objects.md", "requests.md", "command-line.md", "settings.md")
_NOT_EXPLAINED = {"self", "cls"}
_GENERATED = "<!-- Written by recipes/documentation/write_reference.py; edit the docstrings instead. -->\n"

Faults = list[str]


def functions_page(faults: Faults) -> str:
    """The verbs as functions, each with its request's fields and what it gives back."""
    parts = [
        "# Functions\n",
        _GENERATED,
        "`kinema.NAME(...)`: the main files by position, every other field of the request by keyword, a result back. "
        "Frames, points and axes are those of the [conventions](conventions.md).\n",
    ]
    for name, function in verb_functions().items():
        parts += function_lines(function, name, faults)
        request = request_of(function)
        if request is None:
            faults.append(f"{name}: its docstring names no request")
        else:
            parts += [f"### {request.__name__}\n", *request_lines(request, faults)]
        result = hints_of(function)["return"]
        if dataclasses.is_dataclass(result):
            parts += [f"### {type_name(result)}\n", *class_lines(typing.cast(type, result), faults)]
    return "\n".join(parts)


def objects_page(faults: Faults) -> str:
    """Everything else that `import kinema` offers, and the events that a progress callback is told."""
    parts = ["# Models, games and files\n", _GENERATED, "What else `import kinema` offers.\n"]
    for name in sorted(set(kinema.__all__) - set(verb_functions()) - {"__version__"}, key=str.lower):
        thing = getattr(kinema, name)
        if inspect.isclass(thing):
            parts += [f"## {name}\n", *class_lines(thing, faults, methods=True)]
        else:
            parts += function_lines(thing, name, faults)
    parts += [
        "## Version\n",
        "`kinema.__version__` is the installed version, such as `0.2.0`.\n",
        "## Progress\n",
        "A function that takes one event: a frozen dataclass of `kinema.core.progress`, one of these.\n",
    ]
    for event in EVENTS:
        parts += [f"### {event.__name__}\n", *class_lines(event, faults)]
    for thing in (GameSession, VideoReader, VideoInfo, Frame):
        parts += [f"## {thing.__name__}\n", *class_lines(thing, faults, methods=True)]
    return "\n".join(parts)


def requests_page(faults: Faults) -> str:
    """Requests without a function of their own."""
    parts = [
        "# Further requests\n",
        _GENERATED,
        "Tasks of the command line without a function in `kinema`. Import the request, and the function beside it, "
        "from the module that is named: `pose(PoseRequest(...), progress)`.\n",
    ]
    told = {request_of(function) for function in verb_functions().values()}
    for request in (one for one in all_requests() if one not in told):
        parts += [f"## {request.__name__}\n", f"`{request.__module__}`\n", *request_lines(request, faults)]
    return "\n".join(parts)


def verb_functions() -> dict[str, Callable[..., Any]]:
    """The functions of verbs that `import kinema` offers, in the order of the command line's help."""
    names = [name for name in kinema.__all__ if getattr(getattr(kinema, name), "__module__", "") == api.__name__]
    order = list(VERBS)
    return {name: getattr(kinema, name) for name in sorted(names, key=order.index)}


def request_of(function: Callable[..., Any]) -> type[Request] | None:
    """The request whose fields a function takes, as its docstring says."""
    named = re.search(r"fields of :class:`(\w+)`", function.__doc__ or "")
    return None if named is None else getattr(api, named[1])


def all_requests() -> list[type[Request]]:
    """Every request of `kinema.tasks` and `kinema.evaluation`, by module."""
    found: list[type[Request]] = []
    for package in (kinema.tasks, kinema.evaluation):
        for info in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            module = importlib.import_module(info.name)
            for thing in vars(module).values():
                if inspect.isclass(thing) and issubclass(thing, Request) and thing.__module__ == info.name:
                    found.append(thing)
    return found


def command_line_page(faults: Faults) -> str:
    """Every verb with its arguments and options."""
    parts = [
        "# Command line\n",
        _GENERATED,
        "`kinema VERB --help` prints the same. A refused input ends with status 2 and one line that says what was "
        "given, what is accepted and what to do; Ctrl+C ends with 130, SIGTERM with 143.\n",
    ]
    for verb, (_, line) in VERBS.items():
        command = typer.main.get_command(build_app([verb])).commands[verb]  # type: ignore[attr-defined]
        context = command.make_context(f"kinema {verb}", [], resilient_parsing=True)
        usage = " ".join(
            [f"kinema {verb}", *(word for parameter in command.params for word in usage_words(parameter, context))]
        )
        parts += [f"## {verb}\n", f"{line}\n", f"```text\n{usage}\n```\n"]
        rows = [option_row(parameter, context) for parameter in command.params]
        faults += [f"kinema {verb} {row[0]}: has no help" for row in rows if not row[-1]]
        parts += [table(("argument or option", "default", "what it does"), rows)] if rows else []
    return "\n".join(parts)


def settings_page(faults: Faults) -> str:
    """What `--set` may change, for every system, with the values of its default preset."""
    parts = [
        "# Settings of each system\n",
        _GENERATED,
        "What `kinema learn SYSTEM ... --set NAME=VALUE` may change. The defaults are those of the preset that `kinema "
        "learn` takes where none is given; other presets differ. A list is written as in YAML: "
        "`--set frames.size=[96,64]`.\n",
    ]
    for name in SYSTEMS:
        system = find_system(name)
        presets = ", ".join(f"`{preset}`" for preset in system.presets)
        choice = f"Presets: {presets}; the default is `{system.default_preset}`."
        if system.no_training:
            choice = "It has nothing to learn; these are the settings of its model folder."
        parts += [f"## {name}\n", f"{sentence(system.summary)} {choice}\n"]
        config = system.config() if system.no_training else system.preset(system.default_preset)
        rows = list(setting_rows(config, "", faults))
        parts += [table(("setting", "default", "accepted", "what it does"), rows)]
    return "\n".join(parts)


def setting_rows(config: BaseModel, prefix: str, faults: Faults) -> Iterator[tuple[str, ...]]:
    """One row a field, those of nested configs under dotted names."""
    explained = attributes_of(type(config))
    for name, field in type(config).model_fields.items():
        value = getattr(config, name)
        if isinstance(value, BaseModel):
            yield from setting_rows(value, f"{prefix}{name}.", faults)
            continue
        meaning = field.description or explained.get(name, "")
        if not meaning:
            faults.append(f"{type(config).__name__}.{name}: has neither a description nor a line in the docstring")
        yield f"`{prefix}{name}`", code(value), accepted(field), plain(meaning)


def function_lines(function: Callable[..., Any], name: str, faults: Faults, *, level: int = 2) -> Iterator[str]:
    """A heading, the signature, and what the docstring says."""
    yield f"{'#' * level} {name}\n"
    yield f"```python\n{signature_text(function, name)}\n```\n"
    yield from docstring_lines(function, name, faults)


def class_lines(thing: type, faults: Faults, *, methods: bool = False) -> Iterator[str]:
    """What a class is, its attributes, and its public methods and properties."""
    name = thing.__name__
    if methods and not issubclass(thing, Exception) and not dataclasses.is_dataclass(thing):
        yield f"```python\n{signature_text(thing, name)}\n```\n"
    text = inspect.getdoc(thing) if thing.__doc__ else None
    if not text:
        faults.append(f"{name}: has no docstring")
        return
    summary, sections = split_docstring(text)
    yield plain(summary) + "\n"
    if dataclasses.is_dataclass(thing):
        hints = hints_of(thing)
        explained = dict(sections.get("Attributes", []))
        faults += [
            f"{name}.{one.name}: its docstring does not explain it"
            for one in dataclasses.fields(thing)
            if one.name not in explained
        ]
        rows = [
            (f"`{one.name}`", render(hints[one.name]), plain(explained.get(one.name, "")))
            for one in dataclasses.fields(thing)
        ]
        yield table(("field", "type", "meaning"), rows)
    elif "Attributes" in sections:
        yield table(("attribute", "meaning"), [(f"`{key}`", plain(meaning)) for key, meaning in sections["Attributes"]])
    yield from example_lines(sections)
    if not methods:
        return
    initial = vars(thing).get("__init__")
    if initial is not None and initial.__doc__ and not dataclasses.is_dataclass(thing):
        yield from docstring_lines(initial, f"{name}(...)", faults)
    for key, member in vars(thing).items():
        if key.startswith("_"):
            continue
        if isinstance(member, property):
            text = inspect.getdoc(member) or ""
            if not text:
                faults.append(f"{name}.{key}: has no docstring")
            yield f"### {name}.{key}\n"
            yield plain(split_docstring(text)[0]) + "\n"
        elif isinstance(member, types.FunctionType | classmethod):
            yield from function_lines(getattr(thing, key), f"{name}.{key}", faults, level=3)


def request_lines(request: type[Config], faults: Faults) -> Iterator[str]:
    """What a request asks for, and its fields with bounds."""
    if not request.__doc__:
        faults.append(f"{request.__name__}: has no docstring")
    summary, _ = split_docstring(inspect.getdoc(request) or "")
    yield plain(summary) + "\n"
    explained = attributes_of(request)
    rows = []
    for name, field in request.model_fields.items():
        meaning = explained.get(name) or field.description or ""
        if not meaning:
            faults.append(f"{request.__name__}.{name}: its docstring does not explain it")
        default = "required" if field.is_required() else code(field.get_default(call_default_factory=True))
        rows.append((f"`{name}`", default, accepted(field), plain(meaning)))
    yield table(("field", "default", "accepted", "what it does"), rows)


def docstring_lines(thing: Any, name: str, faults: Faults) -> Iterator[str]:
    """Summary, arguments, what comes back and what is raised."""
    text = inspect.getdoc(thing)
    if not text:
        faults.append(f"{name}: has no docstring")
        return
    summary, sections = split_docstring(text)
    yield plain(summary) + "\n"
    explained = dict(sections.get("Args", []))
    parameters = [one for one in inspect.signature(thing).parameters if one not in _NOT_EXPLAINED]
    # A method of one line and one argument that the line explains needs no list.
    if explained or len(parameters) > 1:
        faults += [f"{name}: its docstring does not explain {one}" for one in parameters if one not in explained]
    if explained:
        hints = hints_of(thing)
        rows = [(f"`{key}`", render(hints.get(key, Any)), plain(meaning)) for key, meaning in explained.items()]
        yield table(("argument", "type", "meaning"), rows)
    for section in ("Returns", "Yields", "Raises"):
        for key, meaning in sections.get(section, []):
            yield f"**{section}** " + (f"`{key}`: " if key else "") + plain(meaning) + "\n"
    yield from example_lines(sections)


def example_lines(sections: dict[str, list[tuple[str, str]]]) -> Iterator[str]:
    for _, text in sections.get("Example", []):
        yield f"```pycon\n{text}\n```\n"


def split_docstring(text: str) -> tuple[str, dict[str, list[tuple[str, str]]]]:
    """What comes before the sections, and section to (name, meaning); an example's text stands under "Example"."""
    summary: list[str] = []
    sections: dict[str, list[tuple[str, str]]] = {}
    section = ""
    for block in re.split(r"\n\s*\n", text):
        heading = re.match(r"(Args|Returns|Raises|Attributes|Yields):\n", block)
        if block.lstrip().startswith(">>>"):
            sections.setdefault("Example", []).append(("", block))
        elif heading:
            section = heading[1]
            sections[section] = entries(block[heading.end() :], named=section not in ("Returns", "Yields"))
        elif section and block.startswith(" "):
            sections[section] += entries(block, named=section not in ("Returns", "Yields"))
        else:
            summary.append(block)
    return "\n\n".join(summary), sections


def entries(block: str, *, named: bool) -> list[tuple[str, str]]:
    """The `name: meaning` entries of a section; continued lines are joined."""
    lines = inspect.cleandoc("\n" + block).splitlines()
    if not named:
        return [("", " ".join(line.strip() for line in lines))]
    found: list[tuple[str, str]] = []
    for line in lines:
        if match := re.match(r"(\*{0,2}\w+): (.*)", line):
            found.append((match[1].lstrip("*"), match[2]))
        elif found:
            found[-1] = (found[-1][0], f"{found[-1][1]} {line.strip()}")
    return found


def attributes_of(thing: type) -> dict[str, str]:
    """Field to what the docstrings of a class and its bases say of it."""
    explained: dict[str, str] = {}
    for base in reversed(thing.__mro__):
        if base.__doc__ and base.__module__.split(".")[0] not in ("builtins", "pydantic"):
            explained |= dict(split_docstring(inspect.cleandoc(base.__doc__))[1].get("Attributes", []))
    return explained


def hints_of(thing: Any) -> dict[str, Any]:
    """Name to type, aliases resolved."""
    target = inspect.unwrap(getattr(thing, "__func__", thing))
    return typing.get_type_hints(target, include_extras=True)


def render(annotation: Any) -> str:
    """A type in words that fit a cell of a table, which a "|" would end."""
    if annotation == progress.Progress:
        return "[`Progress`](objects.md#progress)"
    if annotation is Any:
        return "any"
    if annotation in (str | PathLike[str], str | Path):
        return "path"
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return ", ".join([render(arguments[0]), *bounds(arguments[1:])])
    if origin in (typing.Union, types.UnionType):
        kinds = [render(one) for one in arguments if one is not type(None)]
        return " or ".join(dict.fromkeys([*kinds, *(["`None`"] if type(None) in arguments else [])]))
    if origin is Literal:
        return " or ".join(code(one) for one in arguments)
    return f"`{type_name(annotation)}`"


def type_name(annotation: Any) -> str:
    """A type as source text, without modules and without "|"."""
    if annotation is Ellipsis:
        return "..."
    if annotation is None or annotation is type(None):
        return "None"
    if isinstance(annotation, list):
        return f"[{', '.join(type_name(one) for one in annotation)}]"
    if isinstance(annotation, typing.TypeVar):
        return annotation.__name__
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is np.ndarray:
        return "ndarray"
    if origin is typing.Annotated:
        return type_name(arguments[0])
    if origin in (typing.Union, types.UnionType):
        return " or ".join(type_name(one) for one in arguments)
    if origin is Literal:
        return " or ".join(repr(one) for one in arguments)
    if origin is not None:
        return f"{type_name(origin)}[{', '.join(type_name(one) for one in arguments)}]"
    return str(getattr(annotation, "__name__", str(annotation).replace("typing.", "")))


def accepted(field: FieldInfo) -> str:
    """Type and bounds of a field."""
    return ", ".join([render(field.annotation), *bounds(field.metadata)])


def bounds(metadata: Iterable[Any]) -> list[str]:
    """The bounds of a field in words."""
    kinds = {
        name: getattr(one, name)
        for one in flatten(metadata)
        for name in ("ge", "gt", "le", "lt", "min_length", "max_length", "multiple_of")
        if getattr(one, name, None) is not None
    }
    words = []
    if "ge" in kinds and "le" in kinds:
        words.append(f"{shown(kinds.pop('ge'))} to {shown(kinds.pop('le'))}")
    texts = {
        "ge": "at least {}",
        "gt": "above {}",
        "le": "at most {}",
        "lt": "below {}",
        "multiple_of": "a multiple of {}",
        "min_length": "{} or more of them",
        "max_length": "at most {} of them",
    }
    return words + [texts[name].format(shown(value)) for name, value in kinds.items()]


def flatten(metadata: Iterable[Any]) -> Iterator[Any]:
    """Grouped bounds, such as those of an interval, one by one."""
    for one in metadata:
        if isinstance(one, annotated_types.GroupedMetadata):
            yield from flatten(one)
        elif isinstance(one, FieldInfo):
            yield from flatten(one.metadata)
        else:
            yield one


def shown(value: Any) -> str:
    """A bound; powers of two that nobody reads as digits are written as such."""
    if isinstance(value, int) and abs(value) > 2**31 and (abs(value) & (abs(value) - 1)) == 0:
        return f"{'-' if value < 0 else ''}2^{abs(value).bit_length() - 1}"
    return str(value)


def usage_words(parameter: Any, context: Any) -> Iterator[str]:
    """What a command line cannot do without; the other options stand in the table."""
    if isinstance(parameter, typer.core.TyperArgument):
        name = argument_name(parameter)
        yield name if parameter.required else f"[{name}]"
    elif parameter.required:
        yield f"{parameter.opts[0]} {taken(parameter, context)}"


def option_row(parameter: Any, context: Any) -> tuple[str, str, str]:
    """Names and what they take, default, help."""
    meaning = plain(parameter.help or "")
    if isinstance(parameter, typer.core.TyperArgument):
        return f"`{argument_name(parameter)}`", "required" if parameter.required else "", meaning
    if parameter.is_flag:
        names = [*parameter.opts, *parameter.secondary_opts]
        both = (parameter.opts if parameter.default else parameter.secondary_opts)[-1:]
        default = f"`{both[0]}`" if parameter.secondary_opts else ""
    else:
        names = [*parameter.opts[:-1], f"{parameter.opts[-1]} {taken(parameter, context)}"]
        default = f"`{parameter.default}`" if isinstance(parameter.default, str | int | float | Path) else ""
    return ", ".join(f"`{name}`" for name in names), "required" if parameter.required else default, meaning


def argument_name(parameter: Any) -> str:
    """As `--help` shows it."""
    return parameter.metavar or parameter.name.upper()


def taken(parameter: Any, context: Any) -> str:
    """What an option takes, in a word."""
    kind: str = (parameter.metavar or parameter.display_type(context)).strip("<>").upper()
    words: dict[str, str] = {"STR": "TEXT", "LIST[STR]": "TEXT", "INT": "NUMBER", "FLOAT": "NUMBER"}
    return words.get(kind, kind)


def signature_text(function: Callable[..., Any], name: str) -> str:
    """Name, parameters and result as source, one parameter a line where they are many."""
    signature = inspect.signature(function)
    names: list[str] = []
    starred = False
    for key, parameter in signature.parameters.items():
        if key in _NOT_EXPLAINED:
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not starred:
            names.append("*")
        starred = starred or parameter.kind in (parameter.KEYWORD_ONLY, parameter.VAR_POSITIONAL)
        prefix = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
        default = ""
        if parameter.default is not parameter.empty:
            default = getattr(parameter.default, "__name__", None) or repr(parameter.default)
            default = f"={default}"
        names.append(f"{prefix}{key}{default}")
    line = f"{name}({', '.join(names)})"
    return line if len(line) <= 88 else f"{name}(\n    " + ",\n    ".join(names) + ",\n)"


def plain(text: str) -> str:
    """reStructuredText of our docstrings as Markdown; "|" would end a table's cell."""
    text = re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text)
    text = text.replace("``", "`")
    return re.sub(r"(?<!\n)\n(?!\n)", " ", text).replace("|", "\\|").strip()


def sentence(text: str) -> str:
    """A line that begins large and ends in a full stop."""
    return text[:1].upper() + text[1:].rstrip(".") + "."


def code(value: object) -> str:
    """A value as source text."""
    if isinstance(value, Fraction):
        return f"`{float(value):g}`"
    return f"`{list(value) if isinstance(value, tuple) else str(value) if isinstance(value, Path) else repr(value)}`"


def table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)]) + "\n"


def write_reference(folder: Path) -> Faults:
    """Writes the pages; gives what is missing in the source, one line each."""
    faults: Faults = [
        f"kinema.{name}: has no docstring" for name in kinema.__all__ if not inspect.getdoc(getattr(kinema, name))
    ]
    makers = (functions_page, objects_page, requests_page, command_line_page, settings_page)
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in zip(PAGES, makers, strict=True):
        (folder / name).write_text(make(faults).rstrip() + "\n", encoding="utf-8")
    return sorted(set(faults))


if __name__ == "__main__":
    found = write_reference(Path(sys.argv[1]))
    sys.exit("\n".join(found) if found else 0)
