"""Small files that ask for terabytes or for hours end with a sentence, not with the server.

They are made here and never stored.
"""

import struct

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from backoffice.changes.models import Change
from backoffice.readers.source import Limits, ReaderError, open_source
from tests.backoffice.readers.packages import (
    HEADER,
    cell_record,
    label,
    ods,
    row_record,
    text_record,
    write_zip,
    xls,
    xlsb,
    xlsx,
)
from tests.backoffice.readers.sources import rows_of

FAR = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
LIMITS = Limits(sheet_memory=300_000_000, sheet_seconds=20)
REPEATED = (
    '<table:table-row table:number-rows-repeated="{}"><table:table-cell'
    ' office:value-type="string" table:number-columns-repeated="{}"><text:p>x</text:p>'
    "</table:table-cell></table:table-row>"
)
CORNER = "reach to row 1,048,576 and column 16,384"
LAUGHS = "".join(f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">' for i in range(10))


def xlsx_strings(path, strings):
    return xlsx(path, f'{HEADER}<row r="2"><c t="s"><v>1</v></c></row>', strings=strings)


KILLERS = {
    "a cell in the last corner": (lambda path: xlsx(path, HEADER + FAR), CORNER),
    "blanks around =": (lambda path: xlsx(path, HEADER + FAR.replace("r=", "r = ")), CORNER),
    "small letters": (lambda path: xlsx(path, HEADER + FAR.replace("XFD", "xfd")), CORNER),
    "only in its cell": (
        lambda path: xlsx(path, HEADER + FAR.replace('<row r="1048576">', "<row>")),
        CORNER,
    ),
    "a corner of xlsb": (
        lambda path: xlsb(
            path,
            row_record(1),
            text_record(0, "a"),
            row_record(1048576),
            text_record(16383, "x"),
        ),
        CORNER,
    ),
    "beyond the corner of xlsb": (
        lambda path: xlsb(path, row_record(1), text_record(2**31, "a")),
        "is damaged",
    ),
    "a long text of xlsb": (
        lambda path: xlsb(path, row_record(1), cell_record(6, 0, struct.pack("<I", 2**31))),
        "is damaged",
    ),
    "beyond the corner of xls": (
        lambda path: xls(path, label(1, 0, "a"), label(65536, 65535, "x")),
        "is damaged",
    ),
    "a corner of ods": (
        lambda path: ods(path, ("S", REPEATED.format(1, 1) + REPEATED.format(1048575, 900))),
        "the limit is 50,000,000 cells",
    ),
    "beyond the corner of ods": (
        lambda path: ods(path, ("S", REPEATED.format(10**12, 10**10))),
        "is damaged",
    ),
    "blanks of ods": (
        lambda path: ods(
            path,
            (
                "S",
                REPEATED.format(1, 1).replace(
                    ">x<", ">x<text:s text:c='9999999'/>" * 9999 + "<"
                ),
            ),
        ),
        "longer than 1,000,000 characters",
    ),
    "an attribute many times": (
        lambda path: xlsx(path, HEADER + '<row r="2"><c' + ' r="AA1"' * 260_000 + "/></row>"),
        "is damaged",
    ),
    "a column that is none": (
        lambda path: xlsx(path, HEADER + '<row r="2"><c r="ZZZ2"><v>1</v></c></row>'),
        "is damaged",
    ),
    "a row that is none": (
        lambda path: xlsx(path, HEADER + '<row r="99999999999"><c><v>1</v></c></row>'),
        "is damaged",
    ),
    "elements in elements": (lambda path: xlsx(path, HEADER + "<a>" * 200_000), "is damaged"),
    "entities of entities": (
        lambda path: write_zip(
            path, {"content.xml": f'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">{LAUGHS}]><x>&k;</x>'}
        ),
        "is damaged",
    ),
    "an entity of another file": (
        lambda path: write_zip(
            path,
            {"content.xml": '<!DOCTYPE x SYSTEM "x.dtd"><x>Em&e;ma</x>'},
        ),
        "is damaged",
    ),
    "an entity of another file in a sheet": (
        lambda path: xlsx(
            path,
            "",
            **{
                "xl/worksheets/sheet1.xml": '<!DOCTYPE x SYSTEM "x.dtd"><worksheet>'
                f"<sheetData>{HEADER}<row r='2'><c t='str' r='A2'><v>Em&e;ma</v></c></row>"
                "</sheetData></worksheet>"
            },
        ),
        "is damaged",
    ),
    "a long string": (
        lambda path: xlsx_strings(path, f"<si><t>{'x' * 200_000_000}</t></si>"),
        "more than 300,000,000 bytes of memory",
    ),
    "a long cell": (
        lambda path: xlsx(path, HEADER.replace("name", "x" * 2_000_000)),
        "Row 1 is longer than 1,000,000 characters",
    ),
}


@pytest.mark.parametrize("name", KILLERS)
def test_a_killer_ends_with_a_sentence(tmp_path, name):
    make, words = KILLERS[name]
    path = make(tmp_path / "a")
    assert path.stat().st_size < 300_000
    with pytest.raises(ReaderError, match=words):
        rows_of(open_source(path, limits=LIMITS))


def test_time_that_is_too_long_is_said(tmp_path):
    path = xlsx_strings(tmp_path / "a.xlsx", "<si><t>x</t></si>" * 2_000_000)
    with pytest.raises(ReaderError, match="longer than 1 seconds, which is the limit"):
        open_source(path, limits=Limits(sheet_seconds=1))


def upload(client, path):
    data = {"import_file": SimpleUploadedFile("a.xlsx", path.read_bytes())}
    return client.post(reverse("admin:library_library_import"), data, follow=True)


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["a cell in the last corner", "an attribute many times"])
def test_the_upload_page_says_it_and_keeps_nothing(admin_client, settings, tmp_path, name):
    settings.DATA_DIR = tmp_path
    make, words = KILLERS[name]
    response = upload(admin_client, make(tmp_path / "a"))
    assert response.status_code == 200
    assert words in response.context["form"].errors["import_file"][0]
    assert not Change.objects.exists()


@pytest.mark.django_db
def test_a_job_whose_file_turns_out_unreadable_fails_and_opens_it_no_more(
    admin_client, settings, tmp_path, monkeypatch
):
    settings.DATA_DIR = tmp_path
    good = xlsx(tmp_path / "a", HEADER + '<row r="2"><c t="str"><v>x</v></c></row>')
    upload(admin_client, good)
    job = Change.objects.get()
    KILLERS["a cell in the last corner"][0](job.file.directory / "upload")
    page = reverse("admin:library_library_import_job", args=[job.pk])
    response = admin_client.get(page)
    assert CORNER in response.content.decode()
    job.refresh_from_db()
    assert job.status == "failed"
    # Whoever opens it fails.
    monkeypatch.setattr("backoffice.imports.options.open_source", None)
    assert CORNER in admin_client.get(page).content.decode()
