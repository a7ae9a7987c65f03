"""Parses YAML of unknown origin: plain values only, with a limit that is checked before anything is built."""

from __future__ import annotations

from typing import Any

import yaml

# With aliases of aliases, a kilobyte can expand to billions of values; no config has a hundredth of this limit.
_MAX_VALUES = 100_000


class _BoundedLoader(yaml.SafeLoader):
    """A safe loader that counts the values to which aliases expand."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._sizes: dict[int, int] = {}
        self._values = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Composes a node; an alias counts as all the values to which it expands."""
        is_alias = self.check_event(yaml.AliasEvent)
        node = super().compose_node(parent, index)
        if node is not None:
            self._values += self._size(node) if is_alias else 1
            if self._values > _MAX_VALUES:
                raise yaml.YAMLError(f"it expands to more than {_MAX_VALUES} values")
        return node

    def _size(self, node: yaml.Node) -> int:
        if id(node) not in self._sizes:
            self._sizes[id(node)] = 1  # for a node that contains itself
            inner: list[yaml.Node] = []
            if isinstance(node, yaml.SequenceNode):
                inner = node.value
            elif isinstance(node, yaml.MappingNode):
                inner = [part for pair in node.value for part in pair]
            self._sizes[id(node)] = 1 + sum(self._size(part) for part in inner)
        return self._sizes[id(node)]


def load_yaml(text: str) -> Any:
    """The value of a YAML document.

    Args:
        text: of the document.

    Raises:
        ValueError: it is not YAML, is nested too deep, or expands to more values than any config has.

    >>> load_yaml("size: [64, 64]")
    {'size': [64, 64]}
    """
    try:
        return yaml.load(text, Loader=_BoundedLoader)
    except yaml.YAMLError as error:
        reason = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise ValueError(reason) from error
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
