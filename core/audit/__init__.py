"""Who acts: every write happens inside acting(). The trigger writes the log; this only tells it the actor."""

from core.audit.acting import acting

__all__ = ["acting"]
