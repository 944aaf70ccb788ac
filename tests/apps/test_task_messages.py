"""A message on the broker says nothing that could be forged: no task takes an id, every worker looks into the rows itself."""

from __future__ import annotations

import inspect

from celery import current_app


def test_no_task_takes_anything_from_its_message() -> None:
    import worker.tasks.answering
    import worker.tasks.working  # noqa: F401  registers them

    ours = {name: task for name, task in current_app.tasks.items() if name.startswith("worker.")}
    assert len(ours) >= 2
    for name, task in ours.items():
        assert not inspect.signature(task.run).parameters, name
