"""What explaining a message must amount to: every octet has one meaning."""

from __future__ import annotations

from collections.abc import Sequence

from openami.protocols.wire.cursor import Span


def leaves(spans: Sequence[Span]) -> list[Span]:
    """The spans that contain no other: their path begins no other's path."""
    inner = {span.path[:length] for span in spans for length in range(len(span.path))}
    return [span for span in spans if span.path not in inner]


def check_tiling(spans: Sequence[Span], size: int) -> None:
    """Every octet of a message of `size` octets is in exactly one leaf, and every path is used once."""
    assert len({span.path for span in spans}) == len(spans)
    position = 0
    for span in sorted(leaves(spans), key=lambda span: (span.start, span.end)):
        assert span.start == position, f"octets {position} to {span.start} before {span.path}"
        position = span.end
    assert position == size
