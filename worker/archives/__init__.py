"""Archives from outside, zip and tar: nothing is unpacked that was not judged before, and no name in one is ever a path here."""

from worker.archives.names import MOST_ENTRIES, MOST_RATIO
from worker.archives.zips import opened

__all__ = ["MOST_ENTRIES", "MOST_RATIO", "opened"]
