"""Backups: made whole or not at all, and proved by restoring them."""

from core.backup.drill import drill
from core.backup.make import Made, make

__all__ = ["Made", "drill", "make"]
