"""One way to write a date and a number, everywhere: 2026-11-20 and 1,589. The country's own formats would win over the
settings.
"""

DATE_FORMAT = SHORT_DATE_FORMAT = "Y-m-d"
DATETIME_FORMAT = SHORT_DATETIME_FORMAT = "Y-m-d H:i"
TIME_FORMAT = "H:i"
DATE_INPUT_FORMATS = ["%Y-%m-%d"]
THOUSAND_SEPARATOR = ","
NUMBER_GROUPING = 3
