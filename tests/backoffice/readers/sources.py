"""What the tests of the reader write and ask."""

HEADER = "name,address,state\n"
BRANCH = "Seaford,2234 Jackson Ave,NY\n"


def rows_of(source, size=5000):
    return [row for chunk in source.chunks(size) for row in chunk]


def cells_of(source):
    rows = rows_of(source)
    assert [problem for _, _, problem in rows if problem] == []
    return [cells for _, cells, _ in rows]


def problems_of(source):
    return {number: problem for number, _, problem in rows_of(source) if problem}
