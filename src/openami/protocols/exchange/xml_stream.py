"""XML as a stream of whole records: bounded memory, no entities, no external documents.

The parser is expat. A document type declaration is refused at once, so that no entity can be declared, expanded or
fetched; a record is a small tree that is handed over when its element ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from openami.protocols.exchange.delivery import LINE_MAX, BadRecord, Rejected

DEPTH_MAX = 64
NODES_MAX = 1_000_000
"""Elements of one record: a month of minutes with a quality for each needs about 180,000."""
FEED = 64 * 1024


@dataclass(slots=True)
class Node:
    """An element: local `name`, `namespace`, `attributes` by local name, children, text, and the line it began at."""

    name: str
    namespace: str
    attributes: dict[str, str]
    line: int
    children: list[Node] = field(default_factory=list)
    text: str = ""

    def all(self, name: str) -> Iterator[Node]:
        """The children of that name."""
        return (child for child in self.children if child.name == name)

    def first(self, *path: str) -> Node | None:
        """The first element down this path of names."""
        found: Node | None = self
        for name in path:
            found = None if found is None else next(found.all(name), None)
        return found

    def said(self, *path: str) -> str:
        """The text of the first element down this path; empty if there is none."""
        found = self.first(*path)
        return "" if found is None else found.text.strip()

    def need(self, name: str) -> str:
        """The text of the child, which must be there."""
        text = self.said(name)
        if not text:
            raise BadRecord(f"{self.name} has no {name}")
        return text


class _Refused(Exception):
    """The document holds what no exchange needs."""


def records(chunks: Iterable[bytes], names: tuple[str, ...]) -> Iterator[Node | Rejected]:
    """Each element of one of these local names as a tree, as soon as it has ended. What cannot be parsed ends the
    stream with one `Rejected`; the records before it stand.
    """
    collector = _Collector(names)
    try:
        for chunk in chunks:
            for at in range(0, len(chunk), FEED):
                collector.feed(chunk[at : at + FEED])
                yield from collector.take()
        collector.feed(b"", final=True)
    except expat.ExpatError as error:
        yield from collector.take()
        yield Rejected(error.lineno, f"this is no whole XML: {expat.errors.messages.get(error.code, error.code)}")
    except (_Refused, LookupError, ValueError) as error:
        yield from collector.take()
        yield Rejected(collector.line, str(error) if isinstance(error, _Refused) else "the encoding is not known")
    else:
        yield from collector.take()


class _Collector:
    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names
        self._done: list[Node] = []
        self._open: list[Node] = []
        self._nodes = self._text = self._depth = 0
        self._parser = expat.ParserCreate(namespace_separator="\n")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.EntityDeclHandler = self._doctype
        self._parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)

    @property
    def line(self) -> int:
        return self._parser.CurrentLineNumber

    def feed(self, data: bytes, *, final: bool = False) -> None:
        self._parser.Parse(data, final)

    def take(self) -> list[Node]:
        done, self._done = self._done, []
        return done

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise _Refused(f"elements are nested deeper than {DEPTH_MAX}")
        namespace, _, local = name.rpartition("\n")
        if not self._open and local not in self._names:
            return
        self._nodes += 1
        if self._nodes > NODES_MAX:
            raise _Refused(f"a record has more than {NODES_MAX} elements")
        given = {key.rpartition("\n")[2]: value for key, value in attributes.items()}
        node = Node(local, namespace, given, self.line)
        if self._open:
            self._open[-1].children.append(node)
        self._open.append(node)
        self._text = 0

    def _end(self, _name: str) -> None:
        self._depth -= 1
        if self._open:
            node = self._open.pop()
            if not self._open:
                self._done.append(node)
                self._nodes = 0

    def _characters(self, text: str) -> None:
        if self._open:
            self._text += len(text)
            if self._text > LINE_MAX:
                raise _Refused(f"an element's text is longer than {LINE_MAX} signs")
            self._open[-1].text += text

    def _doctype(self, *_: object) -> None:
        raise _Refused("the document declares a document type or entities, which no exchange needs: refused")
