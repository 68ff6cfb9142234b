"""Backups: made whole or not at all, and proved by restoring them."""

from core.backup.dump import Made, make
from core.backup.proof import drill

__all__ = ["Made", "drill", "make"]
