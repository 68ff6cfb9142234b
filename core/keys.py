"""Keys of records that are written by the thousand: in order of time, so that every index of them grows at one end."""


def in_order(number: str) -> str:
    """SQL: a key of its own for each row of one statement. `number` is SQL, too: another one in every row."""
    return f"ccd_key((SELECT ccd_key_base()), {number})"
