"""The built site -> one line a fault, and status 1 where there is one: what `zensical build --strict` does not see.

python recipes/documentation/check_site.py docs zensical.toml site

Every page of docs/ stands in the navigation; every link, picture, style and script of a built page is a file of the
site, with the anchor that is named; nothing is loaded from another host.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

# What a browser fetches by itself when it shows a page; an <a> is fetched when a person follows it.
_LOADED = {"img": ("src",), "script": ("src",), "link": ("href",), "source": ("src",), "iframe": ("src",)}
# Relations of <link> that nothing is loaded for.
_NAMED_ONLY = {"canonical", "next", "prev", "sitemap", "alternate"}


class Page(HTMLParser):
    """The anchors of a page, what it loads and where it leads."""

    def __init__(self, text: str) -> None:
        """Takes the page's HTML."""
        super().__init__()
        self.anchors: set[str] = set()
        self.loaded: list[str] = []
        self.led_to: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes an element."""
        values = {name: value or "" for name, value in attrs}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.led_to.append(values["href"])
        if tag == "link" and set(values.get("rel", "").split()) & _NAMED_ONLY:
            return
        self.loaded += [values[name] for name in _LOADED.get(tag, ()) if values.get(name)]


def outside_navigation(docs: Path, config: Path) -> Iterator[str]:
    """Pages that the navigation does not name, and names without a page."""
    named = set(_leaves(tomllib.loads(config.read_text(encoding="utf-8"))["project"]["nav"]))
    there = {str(path.relative_to(docs)) for path in docs.rglob("*.md")}
    yield from (f"{docs}/{page}: is not in the navigation of {config}" for page in sorted(there - named))
    yield from (f"{config}: names {page}, which is not in {docs}" for page in sorted(named - there))


def _leaves(entry: Any) -> Iterator[str]:
    if isinstance(entry, str):
        yield entry
    else:
        for one in entry.values() if isinstance(entry, dict) else entry:
            yield from _leaves(one)


def lost_links(site: Path) -> Iterator[str]:
    """Links and files of the built pages that lead nowhere, or are loaded from another host."""
    pages = {path.resolve(): Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    for path, page in pages.items():
        shown = path.relative_to(site.resolve())
        if shown.name == "404.html":
            continue  # its links begin at the root of a host
        for link in (*page.loaded, *page.led_to):
            parts = urlsplit(link)
            if parts.scheme in ("http", "https") or parts.netloc:
                if link in page.loaded:
                    yield f"{shown}: loads {link} from another host"
                continue
            if parts.scheme:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target /= "index.html"
            if not target.is_file():
                yield f"{shown}: {link} is not there"
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
                yield f"{shown}: {link} names an anchor that is not there"


if __name__ == "__main__":
    docs, config, site = (Path(word) for word in sys.argv[1:4])
    found = [*outside_navigation(docs, config), *lost_links(site)]
    sys.exit("\n".join(dict.fromkeys(found)) if found else 0)
