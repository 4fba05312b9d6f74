"""Waiting for a state, never for a time."""

import time

# Between two looks. Short beside anything that is waited for.
LOOK_AGAIN_S = 0.05


class TooLate(AssertionError):
    """What was waited for did not come in time."""


def until(what: str, look, seconds: float = 60, again: float = LOOK_AGAIN_S):
    """Looks until `look()` gives something true, and returns that.

    `look` may give text that begins with `not yet: ` to say what it saw instead.
    """
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        late = isinstance(seen, str) and seen.startswith("not yet: ")
        if seen and not late:
            return seen
        if time.monotonic() >= deadline:
            saw = f" ({seen})" if late else ""
            raise TooLate(f"waited {seconds:.0f} s in vain: {what}{saw}")
        time.sleep(again)


def until_still(what: str, count, seconds: float) -> None:
    """Looks until `count()` is zero. Only a stretch of `seconds` without progress is too long."""
    left = count()
    deadline = time.monotonic() + seconds
    while left:
        if time.monotonic() >= deadline:
            raise TooLate(f"no progress for {seconds:.0f} s: {what}, {left} left")
        time.sleep(0.25)
        now = count()
        if now < left:
            deadline = time.monotonic() + seconds
        left = now
