"""Which encoding a text file is in, proven over the whole of it where that can be."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.utils.translation import gettext as _

from backoffice.readers import guessing
from backoffice.readers.limits import Limits, ReaderError

BLOCK = 1 << 18
SAMPLE_BYTES = 1 << 16
# A line that fills a whole window of this many characters counts as long.
LONG_LINE = 4096

# UTF-32's mark begins with UTF-16's, so it comes first.
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1a\x1b"))
C1 = re.compile("[\x80-\x9f]")
# A program that took cp1252 for Latin-1 before it wrote UTF-8 leaves ’ as U+0092.
MEND_C1 = {
    code: bytes([code]).decode("cp1252")
    for code in range(0x80, 0xA0)
    if code not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)
}


@dataclass
class Scan:
    """What one pass over the text found: `lines` is the number of line ends."""

    lines: int = 0
    is_ascii: bool = True
    has_nul: bool = False
    has_quotes: bool = False
    has_long_lines: bool = False
    has_formulas: bool = False  # perhaps: ="…"
    has_lost_characters: bool = False  # U+FFFD
    mended: list[str] = field(default_factory=list)  # words that had C1 characters
    encoded_twice: list[str] = field(default_factory=list)  # as “Ã©” for “é”, perhaps


@dataclass(frozen=True)
class Encoding:
    """`name` is a codec's; `warnings` say what is not proven of it, and what was mended."""

    name: str
    scan: Scan
    warnings: tuple[str, ...] = ()


def find_encoding(path: Path, given: str | None, limits: Limits) -> Encoding:
    """The encoding that the whole file decodes in, and what its text is like.

    Raises ReaderError for a file that is not text, an unknown encoding, a byte that the
    encoding given does not have, or UTF-8 with bytes of another encoding in it.
    """
    with path.open("rb") as file:
        start = file.read(SAMPLE_BYTES)
    marked = marked_encoding(start)
    if given:
        name = _codec_name(given)
        if name == "utf-8" and marked == "utf-8-sig":
            name = marked
        return _found(path, name, _prove(path, name, limits))
    if marked:
        return _found(path, marked, _prove(path, marked, limits))
    if wide := unmarked_wide_encoding(start):
        return _found(path, wide, _prove(path, wide, limits), is_guess=True)
    controls = len(start) - len(start.translate(None, CONTROLS))
    if controls > len(start) * 0.3:
        raise _not_text()
    first_fault = None
    try:
        found = scan(path, "utf-8", limits)
        if found.is_ascii or guessing.proves_utf_8(path):
            return _found(path, "utf-8", found)
    except UnicodeDecodeError as error:
        if controls > 2 + len(start) / 300:
            raise _not_text() from None
        first_fault = error
    evidence = guessing.weigh(path)
    if evidence.is_mixed and first_fault:
        raise _mixed(path, first_fault)
    for name in evidence.likely:
        try:
            return _found(path, name, scan(path, name, limits), is_guess=True)
        except UnicodeDecodeError:
            continue
    raise _not_text()


def marked_encoding(start: bytes) -> str | None:
    """The encoding that a byte order mark names."""
    return next((name for mark, name in BYTE_ORDER_MARKS if start.startswith(mark)), None)


def unmarked_wide_encoding(start: bytes) -> str | None:
    """UTF-16 or UTF-32 without a mark: mostly ASCII, it has NULs at every second byte."""
    quarter = len(start) // 4
    if quarter < 1:
        return None
    nuls = [start[at::4].count(0) / quarter for at in range(4)]
    if min(nuls[1:]) > 0.6 and nuls[0] < 0.05:
        return "utf-32-le"
    if min(nuls[:3]) > 0.6 and nuls[3] < 0.05:
        return "utf-32-be"
    if min(nuls[1], nuls[3]) > 0.6 and max(nuls[0], nuls[2]) < 0.05:
        return "utf-16-le"
    if min(nuls[0], nuls[2]) > 0.6 and max(nuls[1], nuls[3]) < 0.05:
        return "utf-16-be"
    return None


def as_utf_8(start: bytes) -> bytes:
    """The first bytes of a file as UTF-8, without a mark, where they are UTF-16 or UTF-32."""
    name = marked_encoding(start) or unmarked_wide_encoding(start)
    if name is None:
        return start
    return start.decode(name, "ignore").lstrip("\ufeff").encode("utf-8", "replace")


def _found(path: Path, name: str, found: Scan, is_guess: bool = False) -> Encoding:
    warnings = []
    if is_guess:
        words = guessing.words_beyond_ascii(_decoded(path, name))
        warnings.append(
            _("The encoding is a guess: the file is read as %(name)s. ") % {"name": name}
            + (
                _("These words hang on it: %(words)s. ") % {"words": _quoted(words)}
                if words
                else ""
            )
            + _("If that is wrong, choose the encoding, or save the file as UTF-8.")
        )
    elif name == guessing.MIXED:
        _line, words = guessing.words_of_faulty_lines(path)
        if words:
            warnings.append(
                _("Bytes that are not UTF-8 were taken for cp1252 (Windows): %(words)s.")
                % {"words": _quoted(words)}
            )
    if found.mended:
        mended = list(dict.fromkeys(found.mended))[: guessing.WORDS_SHOWN]
        warnings.append(
            _(
                "Characters of cp1252 (Windows) stand in the file as control characters. "
                "They were mended: %(mended)s."
            )
            % {"mended": _quoted(mended)}
        )
    if found.encoded_twice and not is_guess:
        twice = list(dict.fromkeys(found.encoded_twice))[: guessing.WORDS_SHOWN]
        warnings.append(
            _(
                "These words look as if UTF-8 had been read as cp1252 (Windows) before the file"
                " was saved: %(words)s. They are read as they stand; mend them where the file"
                " comes from."
            )
            % {"words": _quoted(twice)}
        )
    return Encoding(name, found, tuple(warnings))


def _quoted(words: list[str]) -> str:
    return ", ".join(f"“{word}”" for word in words)


def _mixed(path: Path, error: UnicodeDecodeError) -> ReaderError:
    line, words = guessing.words_of_faulty_lines(path)
    value = error.object[:1].hex().upper()
    return ReaderError(
        _("The file is UTF-8 but for a few bytes: the first is %(value)s in line %(line)s")
        % {"value": value, "line": f"{line:,}"}
        + (_(", in %(words)s") % {"words": _quoted(words[:1])} if words else "")
        + _(
            ". Mend that and save the file as UTF-8. To read it all the same, choose "
            "the encoding %(mixed)s, which takes such bytes for cp1252: %(words)s; "
            "cp1252 reads the whole file so."
        )
        % {"mixed": guessing.MIXED, "words": _quoted(words)}
    )


def _not_text() -> ReaderError:
    return ReaderError(
        _(
            "The file is not text: it holds binary data. Export it as CSV, or save it as "
            "an Excel workbook (xlsx)."
        )
    )


def _codec_name(given: str) -> str:
    try:
        name = codecs.lookup(given.strip()).name
        b" ".decode(name, "ignore")
        codecs.getincrementaldecoder(name)
    except (LookupError, ValueError):
        raise ReaderError(
            _(
                "The encoding “%(given)s” is not known. Usual ones are utf-8, cp1252 "
                "(Windows), mac-roman and utf-16; or leave it to be detected."
            )
            % {"given": given}
        ) from None
    return name


def _prove(path: Path, encoding: str, limits: Limits) -> Scan:
    try:
        return scan(path, encoding, limits)
    except UnicodeDecodeError as error:
        raise _undecodable(path, encoding, error) from None
    except UnicodeError as error:
        # UTF-16 without its mark, and codecs that are not made for files.
        raise ReaderError(
            _(
                "The file can't be read as %(encoding)s (%(error)s). Choose another "
                "encoding, or leave it to be detected."
            )
            % {"encoding": encoding, "error": error}
        ) from None


def _undecodable(path: Path, encoding: str, error: UnicodeDecodeError) -> ReaderError:
    offset = error.start
    with path.open("rb") as file:
        before = file.read(offset) if offset < 1 << 27 else b""
    place = _("byte %(offset)s of the file") % {"offset": f"{offset:,}"}
    if before or not offset:
        line = max(before.count(b"\n"), before.count(b"\r")) + 1
        place = _("line %(line)s (%(place)s)") % {"line": f"{line:,}", "place": place}
    value = error.object[:1].hex().upper() or _("at its end")
    return ReaderError(
        _(
            "The file is not in the encoding %(encoding)s: byte %(value)s in %(place)s "
            "does not decode. Choose the encoding that the file was saved in, or save it "
            "as UTF-8."
        )
        % {"encoding": encoding, "value": value, "place": place}
    )


def scan(path: Path, encoding: str, limits: Limits) -> Scan:
    """Decodes the whole file, a block at a time.

    Raises UnicodeDecodeError, its `start` counted from the start of the file and its
    `object` beginning with the byte; ReaderError for a line beyond the limit.
    """
    found, open_line = Scan(), 0
    for text in _decoded(path, encoding):
        if not text:
            continue
        found.has_nul = found.has_nul or "\0" in text
        if not text.isascii():
            found.is_ascii = False
            found.has_lost_characters = found.has_lost_characters or "\ufffd" in text
            if len(found.mended) < guessing.WORDS_SHOWN:
                found.mended += _mended_words(text)
            if len(found.encoded_twice) < guessing.WORDS_SHOWN:
                found.encoded_twice += guessing.words_encoded_twice(text)
        found.has_quotes = found.has_quotes or '"' in text
        found.has_formulas = found.has_formulas or '="' in text
        found.has_long_lines = found.has_long_lines or _has_long_line(text)
        first = min((at for at in (text.find("\n"), text.find("\r")) if at >= 0), default=-1)
        if open_line + (len(text) if first < 0 else first) > limits.record_characters:
            raise ReaderError(
                _(
                    "Line %(lines)s is longer than %(record_characters)s characters, "
                    "which is the limit. The line ends are missing, or the file is not a "
                    "table."
                )
                % {
                    "lines": f"{found.lines + 1:,}",
                    "record_characters": f"{limits.record_characters:,}",
                }
            )
        last = max(text.rfind("\n"), text.rfind("\r"))
        open_line = open_line + len(text) if last < 0 else len(text) - last - 1
        found.lines += text.count("\n") or text.count("\r")
    return found


def _has_long_line(text: str) -> bool:
    return any(
        text.find("\n", at, at + LONG_LINE) < 0 and text.find("\r", at, at + LONG_LINE) < 0
        for at in range(0, len(text) - LONG_LINE + 1, LONG_LINE)
    )


def _decoded(path: Path, encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    read = 0
    with path.open("rb") as file:
        while True:
            block = file.read(BLOCK)
            kept = decoder.getstate()[0]
            try:
                yield decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                whole = kept + block
                at = min(error.start, len(whole))
                offset = read - len(kept) + at
                raise UnicodeDecodeError(
                    encoding, whole[at:], offset, offset + 1, error.reason
                ) from None
            if not block:
                return
            read += len(block)


def _mended_words(text: str) -> list[str]:
    if not C1.search(text):
        return []
    return [word.translate(MEND_C1) for word in guessing.WORD.findall(text) if C1.search(word)]
