"""`python -m bench [name ...]`: run the measurements and print their tables as Markdown; exit status 1 when a goal is missed.

`name:part` is a part of one alone, where it has parts.
"""

from __future__ import annotations

import importlib
import platform
import sys

NAMES = ("portal", "reconvene", "stream", "pages", "surgery", "pruning", "scores", "folds", "shifter", "layers", "twins",
         "prediction", "planner", "joint", "cuts", "asking", "slices", "scissionlite", "wire",
         "training", "updating", "federated", "roma", "switching")


def main() -> None:
    print(f"{platform.system()} {platform.machine()}, Python {platform.python_version()}\n")
    missed = []
    for asked in sys.argv[1:] or NAMES:
        name, _, part = asked.partition(":")
        if name not in NAMES:
            sys.exit(f"no measurement {name!r}; there are: {', '.join(NAMES)}")
        module = importlib.import_module(f"bench.{name}")
        parts = {"": module.rows, **getattr(module, "PARTS", {})}
        if part not in parts:
            sys.exit(f"no part {part!r} of {name}; there are: {', '.join(list(parts)[1:]) or 'none'}")
        print(f"## {module.__doc__.splitlines()[0]}\n\n| what | measured |\n|---|---|", flush=True)
        for what, measured in parts[part]():
            print(f"| {what} | {measured} |", flush=True)
            missed += [f"{name}: {what}"] if "**MISSED**" in measured else []
        print()
    if missed:
        sys.exit("missed goals: " + "; ".join(missed))


if __name__ == "__main__":
    main()
