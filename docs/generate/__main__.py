"""`python docs/generate`: write docs/api/*.md, one page a room, from the signatures and docstrings of the package."""

import argparse
from pathlib import Path

from entries import read_entries
from pages import index, page

ROOMS = ("calendars", "codecs", "stores", "execution", "models", "config", "testing", "plotting")


def main() -> None:
    """Write the pages, and remove those of rooms that are no more."""
    parser = argparse.ArgumentParser(prog="python docs/generate", description="Write the API reference.")
    parser.add_argument("--output", type=Path, default=Path(__file__).parents[1] / "api", help="the folder to write to")
    folder: Path = parser.parse_args().output
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.md"):
        old.unlink()
    entries = {room: read_entries(room) for room in ROOMS}
    places = {entry.name: f"{room}.md#{entry.anchor}" for room, found in entries.items() for entry in found}
    pages = {f"{room}.md": page(room, found, places) for room, found in entries.items()}
    for name, text in {"README.md": index(entries, places), **pages}.items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
