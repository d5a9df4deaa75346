"""The page that maps the ASVS to this site: chapters, their sections, a verdict for each."""

import re

from tests.docs import DOCS

PAGE = (DOCS / "explanation" / "security.md").read_text(encoding="utf-8")
#: Of version 5.0, with the number of its sections that have a requirement of level 1 or 2.
CHAPTERS = {
    "V1 Encoding and Sanitization": 5,
    "V2 Validation and Business Logic": 4,
    "V3 Web Frontend Security": 5,
    "V4 API and Web Service": 4,
    "V5 File Handling": 4,
    "V6 Authentication": 7,
    "V7 Session Management": 6,
    "V8 Authorization": 4,
    "V9 Self-contained Tokens": 2,
    "V10 OAuth and OIDC": 7,
    "V11 Cryptography": 6,
    "V12 Secure Communication": 3,
    "V13 Configuration": 4,
    "V14 Data Protection": 3,
    "V15 Secure Coding and Architecture": 3,
    "V16 Security Logging and Error Handling": 5,
    "V17 WebRTC": 0,
}
VERDICTS = {"met", "met, if set", "partly", "theirs", "not here"}


def test_every_chapter_has_its_sections_and_each_a_verdict():
    chapters = re.split(r"^## (?=V\d+ )", PAGE, flags=re.M)[1:]
    assert [each.partition("\n")[0] for each in chapters] == list(CHAPTERS)
    for chapter, (name, sections) in zip(chapters, CHAPTERS.items(), strict=True):
        rows = re.findall(r"^\| (V\d.*?) \| (.*?) \| (.*?) \|", chapter, re.M)
        listed = [section for row in rows for section in re.findall(r"\bV\d+\.\d+", row[0])]
        number = name.partition(" ")[0]
        assert all(section.startswith(f"{number}.") for section in listed)
        assert len(set(listed)) == len(listed) == sections
        for section, verdict, text in rows:
            assert verdict in VERDICTS, section
            assert verdict != "partly" or "Not met" in text or "theirs" in text, section
