"""What the bytes of a text file say for one encoding or another, where nothing proves it."""

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from backoffice.readers.languages import is_beside_number, is_usual_sign, likeliest

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

BLOCK = 1 << 18
SAMPLE_BYTES = 1 << 16
LONG_LINE = 4096
WORDS_SHOWN = 5
WORDS_JUDGED = 300

WESTERN = ("cp1252", "mac-roman", "cp850")
WESTERN_LETTERS = set("áàâäãåæçéèêëíìîïñóòôöõøœßúùûüýÿšžðþÁÀÂÄÃÅÆÇÉÈÊËÍÌÎÏÑÓÒÔÖÕØŒÚÙÛÜÝŸŠŽÐÞ")
# Western text has two such letters side by side at most (AÇÃO), or a sign repeated.
OTHER_SCRIPT = re.compile(rb"[\x80-\xff]{4,}")
BETWEEN = re.compile(rb'[\s,;"]+')
WORD = re.compile(r"[\w'’.-]*[^\x00-\x7f][\w'’.-]*")
# What UTF-8 begins Western letters and quotes with, read as cp1252; words that have it.
ENCODED_TWICE = ("Ã", "Â", "â€", "Å")
WORD_WITH_SIGNS = re.compile(r"""[^\s,;|"]*[ÃÂâÅ][^\s,;|"]+""")
# What UTF-8 makes of Western letters and quotes; no text in cp1252 has them side by side.
TELLING_UTF_8 = re.compile(rb"[a-z]\xc3[\x80-\xbf]|\xe2\x80[\x93\x94\x98\x99\x9c\x9d]")
# A Latin letter beside one of another alphabet: “CAFÉ’S” in cp1252 is “CAFɒS” in UTF-8.
ODD_UTF_8 = re.compile("[A-Za-z][{0}]|[{0}][A-Za-z]".format("\u0250-\u02ff\u0370-\u07ff"))
# A letter that ends a quotation: “‘René’”, or « né » with its hard blank, is a Chinese one.
QUOTED_IN_CP1252 = re.compile(rb"[a-z][\xe2-\xef](?:[\x85\x91-\x94\x96\x97\xa0\xab\xbb]{2})")

MIXED = "utf-8+cp1252"


@dataclass(frozen=True)
class Evidence:
    """`likely` are encodings to try, the likeliest first; `is_mixed` is UTF-8 with faults."""

    is_mixed: bool
    likely: tuple[str, ...]


def weigh(path: Path) -> Evidence:
    """What a file that is not UTF-8 as a whole is likely to be."""
    whole = faulty = telling = 0
    for line in lines_beyond_ascii(path):
        telling += len(TELLING_UTF_8.findall(line))
        if _is_utf_8(line):
            whole += 1
        else:
            faulty += 1
    if whole >= faulty:
        return Evidence(True, ())
    sample = b"\n".join(_first(lines_beyond_ascii(path), SAMPLE_BYTES))
    shown = sample.decode("cp1252", "replace")
    runs = [run for run in OTHER_SCRIPT.findall(sample) if len(set(run)) > 1]
    is_other_script = len(b"".join(runs)) * 2 > len(shown) - len(
        shown.encode("ascii", "ignore")
    )
    if telling and not is_other_script:
        return Evidence(True, ())
    western = _western(sample)
    found = likeliest(_words(sample), western, is_other_script=is_other_script)
    return Evidence(False, tuple(dict.fromkeys([found or western, western, *WESTERN])))


def proves_utf_8(path: Path) -> bool:
    """Whether a file that decodes as UTF-8 has a line that does not look like cp1252."""
    return not all(map(_is_cp1252_by_look, lines_beyond_ascii(path)))


def _is_utf_8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return not _is_cp1252_by_look(line)


def _is_cp1252_by_look(line: bytes) -> bool:
    """Whether a line that decodes as UTF-8 looks odd so, and right as cp1252."""
    return (
        bool(QUOTED_IN_CP1252.search(line) or ODD_UTF_8.search(line.decode(errors="ignore")))
        and not TELLING_UTF_8.search(line)
        and _western_share(line.decode("cp1252", "replace")) == 1
    )


def _words(sample: bytes) -> list[bytes]:
    """Distinct words beyond ASCII. What is between them is no part of a character anywhere."""
    words = dict.fromkeys(word for word in BETWEEN.split(sample) if not word.isascii())
    return list(islice(words, WORDS_JUDGED))


def _western(sample: bytes) -> str:
    """cp1252, unless only another encoding has its letters where they should stand."""
    shares = {name: _western_share(sample.decode(name, "replace")) for name in WESTERN}
    try:
        sample.decode("cp1252")
    except UnicodeDecodeError:
        del shares["cp1252"]
    best = max(shares, key=lambda name: shares[name])
    if "cp1252" in shares and not shares[best] >= max(0.8, shares["cp1252"] + 0.4):
        return "cp1252"
    return best


def _western_share(text: str) -> float:
    """Share of the characters beyond ASCII that stand where Western European ones do."""
    good = total = 0
    for before, char, after in zip(" " + text, text, text[1:] + " ", strict=False):
        if char.isascii():
            continue
        total += 1
        if is_usual_sign(before, char, after):
            good += 1
        elif char in WESTERN_LETTERS and not is_beside_number(before, char, after):
            odd = char.isupper() and (
                before.islower() or (before.isalpha() and after.islower())
            )
            good += not odd and not (char.islower() and after.isupper())
    return good / total if total else 1.0


def lines_beyond_ascii(path: Path) -> Iterator[bytes]:
    """Lines with a byte above 127: the only telling ones."""
    with path.open("rb") as file:
        while block := b"".join(file.readlines(BLOCK)):
            for line in () if block.isascii() else block.splitlines():
                if not line.isascii():
                    yield line[:LONG_LINE]


def _first(lines: Iterable[bytes], most: int) -> Iterator[bytes]:
    """The first lines, about `most` bytes of them."""
    size = 0
    for line in lines:
        yield line
        if (size := size + len(line)) > most:
            return


def words_beyond_ascii(texts: Iterable[str]) -> list[str]:
    """The first words that hang on the encoding, each once."""
    found = (word[:40] for text in texts if not text.isascii() for word in WORD.findall(text))
    distinct: dict[str, None] = {}
    for word in found:
        distinct[word.strip(".-'“”‘") or word] = None
        if len(distinct) == WORDS_SHOWN:
            break
    return list(distinct)


def words_encoded_twice(text: str) -> list[str]:
    """The first words that are UTF-8 read as cp1252, as “NÃºÃ±ez”, and what they were."""
    if not any(sign in text for sign in ENCODED_TWICE):
        return []
    words: list[str] = []
    for word in WORD_WITH_SIGNS.findall(text):
        try:
            was = word.encode("cp1252").decode()
        except UnicodeError:
            continue
        words.append(f"{word[:40]} ({was[:40]})")
        if len(words) == WORDS_SHOWN:
            break
    return words


def faulty_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """(line number, line) of the lines that are not UTF-8."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeDecodeError:
                yield number, line[:LONG_LINE]


def words_of_faulty_lines(path: Path) -> tuple[int, list[str]]:
    """The number of the first line that is not UTF-8; words of such lines as cp1252."""
    lines = list(islice(faulty_lines(path), WORDS_SHOWN))
    words = []
    for _number, line in lines:
        for word in WORD.findall(line.decode("utf-8", "surrogateescape")):
            if not word.isascii() and re.search("[\udc80-\udcff]", word):
                raw = word.encode("utf-8", "surrogateescape")
                words.append(raw.decode(MIXED)[:40])
    return (lines[0][0] if lines else 0), list(dict.fromkeys(words))[:WORDS_SHOWN]


# A codec for UTF-8 with bytes of cp1252 between -----------------------------------------


def _as_cp1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


class _MixedDecoder(codecs.BufferedIncrementalDecoder):
    def _buffer_decode(
        self, input: "ReadableBuffer", errors: str, final: bool
    ) -> tuple[str, int]:
        return codecs.utf_8_decode(input, MIXED, final)


def _search(name: str) -> codecs.CodecInfo | None:
    if name not in ("utf_8_cp1252", MIXED):  # Python makes "_" of punctuation
        return None
    return codecs.CodecInfo(
        name=MIXED,
        encode=codecs.utf_8_encode,
        decode=lambda input, errors="strict": codecs.utf_8_decode(input, MIXED, True),
        incrementaldecoder=_MixedDecoder,
    )


codecs.register_error(MIXED, _as_cp1252)
codecs.register(_search)
