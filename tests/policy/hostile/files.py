"""Names of uploads of every kind, files of any text, and the formulas of downloads."""

import csv
import io
import re
import zipfile

#: Names of uploads, as a request has them.
NAMES = {
    "path": "../../../../etc/passwd",
    "path of windows": "..\\..\\C:\\con.csv",
    "dots": "..",
    "dot": ".",
    "blank": " ",
    "hidden": ".htaccess",
    "null": "a\x00.csv",
    "line ends": "a\r\nSet-Cookie: zq7=1\r\n.csv",
    "controls": "".join(map(chr, [*range(1, 32), 127, *range(128, 160)])) + ".csv",
    "bidi": "a\u202evsc.exe",
    "invisible": "\u200b\ufeff.csv",
    "noncharacter": "\ufffe\uffff.csv",
    "emoji": "👩‍👩‍👧‍👦.csv",
    "long": "x" * 300 + ".csv",
    "long in bytes": "👩" * 300 + ".csv",
    "two ends": "books.csv.exe",
    "another end": "books.xlsx",
    "device": "NUL.csv",
    "formula": "=cmd|'/C calc'!A0.csv",
    "html": "<script>zq7()</script><img src=x onerror=zq7()>.csv",
    "attribute": '"\' onfocus=zq7() autofocus x=".csv',
    "template": "{{ 7*7 }}{% debug %}%s%n{0}.csv",
    "header": 'a"; filename="b.html.csv',
    "encoded": "%2e%2e%2f%00%0d%0a.csv",
    "url": "http://zq7.example/a.csv?b#c",
    "shell": "$(touch /tmp/zq7);`id`|a.csv",
    "separators": "a/b/\u2028c\u2029d.csv",
}


def csv_file(rows):
    file = io.StringIO()
    csv.writer(file, quoting=csv.QUOTE_ALL).writerows(rows)
    return file.getvalue().encode("utf-8", "replace")


def alive(name, content):
    """The cells of a download that a spreadsheet would run; `name` is the file's."""
    if name.endswith((".xlsx", ".ods")):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = b"".join(map(archive.read, archive.namelist()))
        return re.findall(rb"<f>|<f |table:formula", parts)
    if name.endswith((".csv", ".tsv")):
        text = content.decode("utf-8-sig")
        rows = csv.reader(
            io.StringIO(text, newline=""), delimiter="\t" if name.endswith("tsv") else ","
        )
        return [cell[:40] for row in rows for cell in row if cell[:1] in tuple("=+-@\t\r")]
    return []
