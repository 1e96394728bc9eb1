"""Two ways of doing one thing, timed in turns, so that both see the same machine.

A ratio of two numbers from different minutes says little on a shared machine;
the median of the ratios of neighbours says much more.
"""

import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Row:
    what: str
    limit: float | None = None
    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)
    note: str = ""
    unit: str = "s"

    @property
    def ratio(self):
        return statistics.median(a / b for a, b in zip(self.ours, self.theirs))

    def verdict(self):
        if self.limit is None:
            return ""
        return "ok" if self.ratio <= self.limit else "OVER"

    def cells(self):
        def spread(values):
            middle, low, high = statistics.median(values), min(values), max(values)
            if self.unit == "MB":
                return f"{middle:.1f} MB"
            scale, unit = (1000, "ms") if middle < 1 else (1, "s")
            return f"{middle * scale:.3g} {unit} ({low * scale:.3g}–{high * scale:.3g})"

        limit = "" if self.limit is None else f"≤ {self.limit:g}"
        return [self.what, spread(self.ours), spread(self.theirs), f"{self.ratio:.3f}", limit, self.verdict(), str(len(self.ours)), self.note]


class Failed(Exception):
    pass


def run(command, cwd=None, log=None, env=None, stdin=subprocess.DEVNULL):
    """Runs one command quietly; a failure shows the end of what it said."""
    with open(log or os.devnull, "wb") as out:
        done = subprocess.run(command, cwd=cwd, stdout=out, stderr=subprocess.STDOUT, stdin=stdin, env=env)
    if done.returncode:
        tail = b"\n".join(Path(log).read_bytes().splitlines()[-25:]).decode(errors="replace") if log else ""
        raise Failed(f"{' '.join(map(str, command))} failed with status {done.returncode}\n{tail}")


def timed(command, **options):
    start = time.perf_counter()
    run(command, **options)
    return time.perf_counter() - start


def pairs(row, rounds, ours, theirs, before=lambda number: None, warm_up=1):
    """`ours` and `theirs` return seconds; who goes first changes with each round."""
    for number in range(-warm_up, rounds):
        before(number)
        if number % 2:
            b = theirs()
            a = ours()
        else:
            a = ours()
            b = theirs()
        if number >= 0:
            row.ours.append(a)
            row.theirs.append(b)
            print(f"  {row.what}: {a:.3f} / {b:.3f}", file=sys.stderr)
    return row


def table(rows):
    head = ["what", "envtpl", "compared with", "ratio", "limit", "", "n", "note"]
    lines = [head, *(row.cells() for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |" for line in lines)
