"""Which encoding a text file is in, proven over the whole of it."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from charset_normalizer import from_bytes

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
WESTERN = ("cp1252", "mac-roman", "cp850")
OTHERS = [
    *("cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "koi8_r"),
    *("cp932", "euc_jp", "gb18030", "big5", "cp949"),
]
WESTERN_LETTERS = set("áàâäãåæçéèêëíìîïñóòôöõøœßúùûüýÿšžÁÀÂÄÃÅÆÇÉÈÊËÍÌÎÏÑÓÒÔÖÕØŒÚÙÛÜÝŸŠŽ")
WESTERN_SIGNS = set("’‘“”–—…©®™°·•«»¿¡§€£½¼ºª\xa0")
CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1a\x1b"))


@dataclass
class Scan:
    """What one pass over the text found: `lines` is the number of line ends."""

    lines: int = 0
    has_nul: bool = False
    has_quotes: bool = False
    has_long_lines: bool = False


def find_encoding(path: Path, given: str | None, limits: Limits) -> tuple[str, Scan]:
    """The encoding that the whole file decodes in, and what its text is like.

    Raises ReaderError for a file that is not text, an unknown encoding, or a byte that the
    encoding given does not have.
    """
    with path.open("rb") as file:
        start = file.read(SAMPLE_BYTES)
    marked = next((name for mark, name in BYTE_ORDER_MARKS if start.startswith(mark)), None)
    if given:
        name = _codec_name(given)
        if name == "utf-8" and marked == "utf-8-sig":
            name = marked
        return name, _prove(path, name, limits)
    if marked:
        return marked, _prove(path, marked, limits)
    if name := _unmarked_utf_16(start):
        return name, _prove(path, name, limits)
    controls = len(start) - len(start.translate(None, CONTROLS))
    if controls > len(start) * 0.3:
        raise _not_text()
    try:
        return "utf-8", scan(path, "utf-8", limits)
    except UnicodeDecodeError:
        if controls > 2 + len(start) / 300:
            raise _not_text() from None
    for name in _likely(b"\n".join(_lines_beyond_ascii(path))):
        try:
            return name, scan(path, name, limits)
        except UnicodeDecodeError:
            continue
    raise _not_text()


def _not_text() -> ReaderError:
    return ReaderError(
        "The file is not text: it holds binary data. Export it as CSV, or save it as an "
        "Excel workbook (xlsx)."
    )


def _codec_name(given: str) -> str:
    try:
        name = codecs.lookup(given.strip()).name
        b" ".decode(name, "ignore")
        codecs.getincrementaldecoder(name)
    except (LookupError, ValueError):
        raise ReaderError(
            f"The encoding “{given}” is not known. Usual ones are utf-8, cp1252 (Windows), "
            "mac-roman and utf-16; or leave it to be detected."
        ) from None
    return name


def _unmarked_utf_16(start: bytes) -> str | None:
    """Text in UTF-16 that is mostly ASCII has a NUL in every second byte."""
    half = len(start) // 2
    if half < 2:
        return None
    even, odd = start[0::2].count(0) / half, start[1::2].count(0) / half
    if odd > 0.6 and even < 0.05:
        return "utf-16-le"
    if even > 0.6 and odd < 0.05:
        return "utf-16-be"
    return None


def _prove(path: Path, encoding: str, limits: Limits) -> Scan:
    try:
        return scan(path, encoding, limits)
    except UnicodeDecodeError as error:
        raise _undecodable(path, encoding, error) from None
    except UnicodeError as error:
        # UTF-16 without its mark, and codecs that are not made for files.
        raise ReaderError(
            f"The file can't be read as {encoding} ({error}). Choose another encoding, or "
            "leave it to be detected."
        ) from None


def _undecodable(path: Path, encoding: str, error: UnicodeDecodeError) -> ReaderError:
    offset = error.start
    with path.open("rb") as file:
        before = file.read(offset) if offset < 1 << 27 else b""
    place = f"byte {offset:,} of the file"
    if before or not offset:
        line = max(before.count(b"\n"), before.count(b"\r")) + 1
        place = f"line {line:,} ({place})"
    value = error.object[:1].hex().upper() or "at its end"
    return ReaderError(
        f"The file is not in the encoding {encoding}: byte {value} in {place} does not decode. "
        "Choose the encoding that the file was saved in, or save it as UTF-8."
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
        found.has_quotes = found.has_quotes or '"' in text
        found.has_long_lines = found.has_long_lines or _has_long_line(text)
        first = min((at for at in (text.find("\n"), text.find("\r")) if at >= 0), default=-1)
        if open_line + (len(text) if first < 0 else first) > limits.record_characters:
            raise ReaderError(
                f"Line {found.lines + 1:,} is longer than {limits.record_characters:,} "
                "characters, which is the limit. The line ends are missing, or the file is not "
                "a table."
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


def _lines_beyond_ascii(path: Path) -> Iterator[bytes]:
    """Lines with a byte above 127, up to the size of a sample: the only telling ones."""
    size = 0
    with path.open("rb") as file:
        while (block := file.read(BLOCK)) and size < SAMPLE_BYTES:
            for line in block.splitlines():
                if not line.isascii() and size < SAMPLE_BYTES:
                    size += len(line)
                    yield line[:LONG_LINE]


def _likely(sample: bytes) -> list[str]:
    """Encodings to try, the likeliest first.

    charset-normalizer can't tell cp1252 from Mac Roman in names and addresses, where a
    line has one accented letter. So those are compared by what stands beside that letter.
    """
    western = sorted(WESTERN, key=lambda name: -_western_share(sample, name))
    if _western_share(sample, western[0]) >= 0.8:
        return western
    matches = from_bytes(sample, cp_isolation=OTHERS)
    detected = [codecs.lookup(m.encoding).name for m in matches if m.chaos < 0.1][:1]
    return [*detected, *WESTERN]


def _western_share(sample: bytes, encoding: str) -> float:
    """Share of the characters beyond ASCII that stand where Western European ones do."""
    text = sample.decode(encoding, errors="replace")
    good = total = 0
    for before, char, after in zip(" " + text, text, text[1:] + " ", strict=False):
        if char.isascii():
            continue
        total += 1
        if char in WESTERN_SIGNS:
            good += char == "’" or not (before.isalpha() and after.isalpha())
        elif char in WESTERN_LETTERS and (before.isascii() or not before.isalpha()):
            odd = char.isupper() and before.isalpha() and after.islower()
            good += not odd and not (char.islower() and after.isupper())
    return good / total if total else 0.0
