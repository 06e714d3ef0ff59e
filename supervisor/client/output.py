"""Results as JSON: one document, or a line each when following."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any


def print_json(document: Any) -> None:
    """Print one document. Control characters in it are escaped by JSON itself."""
    sys.stdout.write(json.dumps(document, indent=2) + "\n")
    sys.stdout.flush()


def print_json_line(document: Any) -> None:
    """Print one of many."""
    sys.stdout.write(json.dumps(document, separators=(",", ":")) + "\n")
    sys.stdout.flush()


def print_documents(documents: Sequence[Any]) -> None:
    """Print the document of the one thing that was named, or a list of several."""
    if len(documents) == 1:
        print_json(documents[0])
    else:
        print_json({"items": list(documents), "next_cursor": None})
