"""A name is found however it is written, and no other word is."""

import html
import json
from urllib.parse import quote, quote_plus

import pytest

from backoffice.erasure.names import MARK, Names

NAME = "Zoë O'Brien"
WRITTEN = {
    "as it is": NAME,
    "in capitals": NAME.upper(),
    "with more blanks": "Zoë \n  O'Brien",
    "decomposed": "Zoe\u0308 O'Brien",
    "JSON": json.dumps({"name": NAME}),
    "JSON in JSON": json.dumps([json.dumps([f"“{NAME}”"])]),
    "an address": f"q={quote_plus(NAME)}&p=1",
    "a path": f"/{quote(NAME)}/",
    "an address in an address": quote(f"?q={quote(NAME)}"),
    "HTML": f"<li>{html.escape(NAME)}</li>",
    "quoted": f"“{NAME}”",
    "after an escape": json.dumps(f"“{NAME}”, \n{NAME}"),
    "the name of a file": "patrons_Zoë_O'Brien.csv",
    "two cells": "Zoë,O'Brien",
}


@pytest.mark.parametrize("text", WRITTEN.values(), ids=WRITTEN)
def test_a_name_is_found_and_taken_out_however_it_is_written(text):
    names = Names([NAME])
    assert names.are_in(text)
    cleaned = names.removed_from(text)
    assert MARK in cleaned
    assert not names.are_in(cleaned)


@pytest.mark.parametrize("text", ["Al", "AL 7", "(al)"])
def test_a_name_is_a_word(text):
    assert Names(["Al"]).are_in(text)
    assert not Names(["Al"]).are_in("Albany, Altal, pal")


def test_blank_values_name_nobody():
    assert not Names(["", "  ", None])
    assert not Names(["", "  "]).are_in("anything at all")


def test_what_json_has_is_cleaned_to_its_depths():
    cleaned = Names(["Ann Lee"]).removed_from({"Ann Lee": ["x", {"y": "by Ann Lee."}, 7, None]})
    assert cleaned == {MARK: ["x", {"y": f"by {MARK}."}, 7, None]}
