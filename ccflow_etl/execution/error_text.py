"""The words of an exception, whose own may fail."""

__all__ = ["error_message", "error_text"]


def error_message(error: BaseException) -> str:
    r"""Return what an exception says, or that it cannot, in the words that a traceback has for it.

    What no file can hold, as the name of a file that is no UTF-8 has it, is written as Python would escape it.

    >>> print(error_message(OSError("no caf\udce9.csv")))
    no caf\udce9.csv
    """
    try:
        return str(error).encode(errors="backslashreplace").decode()
    except Exception:
        return "<exception str() failed>"


def error_text(error: BaseException) -> str:
    """Return the type of an exception, and what it says, if anything: in a line or several, as it has them.

    >>> error_text(ValueError("no rain")), error_text(TimeoutError())
    ('ValueError: no rain', 'TimeoutError')
    """
    name, message = type(error).__name__, error_message(error)
    return f"{name}: {message}" if message else name
