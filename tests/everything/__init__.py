"""Models with every kind of field, key, relation and constraint that Django has.

What any of them is for, the matrix (tests/everything/test_matrix.py) says. Nothing in
`backoffice/` knows of this app.
"""
