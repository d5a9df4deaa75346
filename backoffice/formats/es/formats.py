"""Spanish as it is written in the United States: numbers as in English, 17,269 and 1.5."""

DECIMAL_SEPARATOR = "."
THOUSAND_SEPARATOR = ","
NUMBER_GROUPING = 3
