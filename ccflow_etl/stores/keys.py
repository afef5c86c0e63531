"""What a key may be: ``/``-separated text that names one payload under any root."""

from pathlib import Path


def check_key(key: str, root: str) -> None:
    """Raise unless text is a key that names one payload under any root.

    Raises:
        ValueError: If it could leave its root or does not name one payload; the message names the key, what is
            wrong with it and the root.

    >>> check_key("daily/AAA.json", "cache")
    >>> check_key("../secrets", "cache")
    Traceback (most recent call last):
    ...
    ValueError: the key '../secrets' has a '..' in it; a key names a payload under the root 'cache'
    """
    complaint = complaint_about(key)
    if complaint:
        raise ValueError(refusal(key, complaint, root))


def refusal(key: str, complaint: str, root: str) -> str:
    """Return the message for a key that is refused.

    >>> refusal("a", "is too short", "cache")
    "the key 'a' is too short; a key names a payload under the root 'cache'"
    """
    return f"the key {key!r} {complaint}; a key names a payload under the root {root!r}"


def complaint_about(key: str) -> str:
    """Return why text is not a key that names one payload under any root, or nothing.

    >>> complaint_about("daily/AAA.json"), complaint_about("/etc/passwd"), complaint_about("\\ud800")
    ('', 'is an absolute path', 'is not valid Unicode')
    """
    segments = key.replace("\\", "/").split("/")
    if not key:
        return "is empty"
    if "\x00" in key:
        return "has a NUL in it"
    if not key.isascii() and any("\ud800" <= character <= "\udfff" for character in key):
        return "is not valid Unicode"
    if key.startswith(("/", "\\")) or Path(key).is_absolute() or Path(key).drive:
        return "is an absolute path"
    if ".." in segments:
        return "has a '..' in it"
    if "" in segments or "." in segments:
        return "has an empty segment or '.' in it, so another key could name the same payload"
    return ""
