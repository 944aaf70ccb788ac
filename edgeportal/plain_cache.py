"""How the cache writes values: as JSON. Django's own way is pickle, and what is unpickled can run."""

from __future__ import annotations

import json
from typing import Any


class Plain:
    """A serializer for Django's Redis cache; whole numbers stay bare so that Redis can count with them."""

    def dumps(self, value: Any) -> int | bytes:
        return value if type(value) is int else json.dumps(value).encode()

    def loads(self, data: bytes) -> Any:
        return json.loads(data)
