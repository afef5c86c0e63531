"""The words of an exception, whose own may fail."""

__all__ = ["error_text"]


def error_text(error: BaseException) -> str:
    """Return the type of an exception, and what it says, if anything: in a line or several, as it has them.

    >>> error_text(ValueError("no rain")), error_text(TimeoutError())
    ('ValueError: no rain', 'TimeoutError')
    """
    name = type(error).__name__
    try:
        message = str(error)
    except Exception:  # the words that a traceback has for it
        message = "<exception str() failed>"
    return f"{name}: {message}" if message else name
