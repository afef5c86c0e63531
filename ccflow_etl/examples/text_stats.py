"""Word counts of a text file: two models, of which the second depends on the first.

``config/text_stats.yaml`` runs it once and ``config/backfill_text_stats.yaml`` once per weekday of a date range.
"""

import datetime as dt
import re
from collections import Counter
from pathlib import Path

from ccflow import CallableModel, ContextBase, Flow, ResultBase
from ccflow.callable import GraphDepList
from pydantic import Field, NonNegativeInt, PositiveInt

from ccflow_etl import LocalWriteModel

_WORD = re.compile(r"\w+(?:['\u2019]\w+)*")


class CountWordsContext(ContextBase):
    """Which file to count, and which words of it.

    >>> CountWordsContext(input_path="notes.txt").min_length
    1
    """

    input_path: Path = Field(description="The text file, in UTF-8.")
    min_length: PositiveInt = Field(1, description="Shorter words are not counted.")


class WordCounts(ResultBase):
    """How often each word occurs.

    >>> WordCounts(lines=1, counts={"to": 2, "be": 2}).counts["to"]
    2
    """

    lines: NonNegativeInt = Field(description="Number of lines of the file.")
    counts: dict[str, PositiveInt] = Field(description="Occurrences of each word, in lower case.")


class CountWords(CallableModel):
    """Counts the words of a text file, whatever their case.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     notes = Path(folder, "notes.txt")
    ...     size = notes.write_text("To be, or not to be.")
    ...     CountWords()(input_path=notes).counts
    {'to': 2, 'be': 2, 'or': 1, 'not': 1}
    """

    @Flow.call
    def __call__(self, context: CountWordsContext) -> WordCounts:
        """Count the words.

        Raises:
            OSError: If there is no such file.
            UnicodeDecodeError: If it is not text in UTF-8.
        """
        text = context.input_path.read_text(encoding="utf-8")
        words = (word for word in _WORD.findall(text.lower()) if len(word) >= context.min_length)
        return WordCounts(lines=len(text.splitlines()), counts=Counter(words))


class TextStatsContext(CountWordsContext):
    """Which file to count, and where to write what was found.

    >>> TextStatsContext(input_path="notes.txt", output_path="stats.json", date="2026-05-01").dated_path.name
    'stats-2026-05-01.json'
    """

    output_path: Path = Field(description="The JSON file to write; with a date, it stands beside this, see dated_path.")
    date: dt.date | None = Field(None, description="The date that the statistics are of.")
    top: NonNegativeInt = Field(10, description="How many of the most frequent words to list.")
    overwrite: bool = Field(True, description="Replace an existing file instead of leaving it as it is.")

    @property
    def dated_path(self) -> Path:
        """The file that is written: with a date, ``stats.json`` becomes ``stats-2026-05-01.json`` beside it."""
        if self.date is None:
            return self.output_path
        return self.output_path.with_stem(f"{self.output_path.stem}-{self.date.isoformat()}")


class TextStatsResult(ResultBase):
    """The file of statistics, and how many words they are about.

    >>> TextStatsResult(path="stats.json", status="written", words=6, distinct_words=4).words
    6
    """

    path: Path = Field(description="The JSON file.")
    status: str = Field(description="`written`, or `exists` when the file was there and was left as it is.")
    words: NonNegativeInt = Field(description="Number of words counted.")
    distinct_words: NonNegativeInt = Field(description="Number of different words counted.")


class TextStats(CallableModel):
    """Writes a file's word statistics as JSON.

    The file has ``lines``, ``words``, ``distinct_words`` and ``top_words`` (most frequent first, then by the
    alphabet), and the ``date`` if there is one.

    The counts do not depend on the date: in a backfill under a graph evaluator the text is read and counted once.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     notes, stats = Path(folder, "notes.txt"), Path(folder, "stats.json")
    ...     size = notes.write_text("To be, or not to be.")
    ...     result = TextStats()(input_path=notes, output_path=stats, top=1)
    ...     print(stats.read_text())
    {"distinct_words":4,"lines":1,"top_words":[{"count":2,"word":"be"}],"words":6}
    """

    counts: CountWords = Field(default_factory=CountWords, description="Counts the words.")

    # Not volatile, although it writes: a graph evaluator would run a volatile step once as a dependency of the
    # backfill, and again when the backfill asks for it.
    @Flow.call
    def __call__(self, context: TextStatsContext) -> TextStatsResult:
        """Write the statistics.

        Raises:
            OSError: If the text cannot be read or the file cannot be written.
            UnicodeDecodeError: If the text is not in UTF-8.
        """
        counted = self.counts(_counting(context))
        words, distinct_words = sum(counted.counts.values()), len(counted.counts)
        ranking = sorted(counted.counts.items(), key=lambda item: (-item[1], item[0]))
        payload = {
            "lines": counted.lines,
            "words": words,
            "distinct_words": distinct_words,
            "top_words": [{"word": word, "count": count} for word, count in ranking[: context.top]],
        }
        if context.date is not None:
            payload["date"] = context.date.isoformat()
        written = LocalWriteModel()(path=context.dated_path, payload=payload, overwrite=context.overwrite)
        return TextStatsResult(path=written.path, status=written.status, words=words, distinct_words=distinct_words)

    @Flow.deps
    def __deps__(self, context: TextStatsContext) -> GraphDepList:
        """The word counts, which are the same for every date."""
        return [(self.counts, [_counting(context)])]


def _counting(context: TextStatsContext) -> CountWordsContext:
    return CountWordsContext(input_path=context.input_path, min_length=context.min_length)
