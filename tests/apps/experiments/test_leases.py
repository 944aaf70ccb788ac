"""The row is the job: one holder at a time, by lease and token, whatever dies."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from apps.accounts.models import Team
from apps.devices import actions
from apps.devices.models import Device
from apps.experiments import leases, recorder
from apps.experiments.models import Run, Status
from apps.experiments.results import why_waiting
from tests.apps.cast import Cast
from worker.events import Finished, Log, Metric

CPU = ["cpu"]


def expire(run: Run) -> None:
    Run.objects.filter(pk=run.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def taken(cast: Cast) -> Run:
    cast.run()
    run = leases.claim(CPU, "w1")
    assert run
    return run


def test_the_longest_waiting_run_is_claimed_first(cast: Cast) -> None:
    late = cast.run(queued_at=timezone.now())
    early = cast.run(queued_at=timezone.now() - timedelta(minutes=1))
    assert [leases.claim(CPU, "w1"), leases.claim(CPU, "w1")] == [early, late]
    assert leases.claim(CPU, "w1") is None


def test_a_claim_sets_lease_attempt_and_token_and_says_so(cast: Cast) -> None:
    run = taken(cast)
    assert (run.status, run.attempt, run.token, run.worker) == (Status.RUNNING, 1, 1, "w1")
    assert run.lease_until and run.lease_until > timezone.now()
    assert [event.body["status"] for event in run.stream.events.all()] == ["running"]


def test_nothing_new_begins_on_a_computer_that_its_team_drains(cast: Cast) -> None:
    others = Team.objects.get(name="Others")
    mine, theirs = (Device.objects.create(team=team, name="box", host="box") for team in (cast.team, others))
    actions.drain(cast.alice, mine, on=True)
    run = cast.run(queue="bench.box")
    assert leases.claim(["bench.box", "cpu"], "w1") is None
    assert why_waiting(run, cast.alice).startswith("its computer is draining")
    Run.objects.filter(pk=run.pk).update(team=others)
    assert leases.claim(["bench.box"], "w1"), "another team does not drain it"

    Device.objects.filter(pk=theirs.pk).update(shared=True, draining=True)
    Run.objects.filter(pk=run.pk).update(status=Status.QUEUED)
    assert leases.claim(["bench.box"], "w1") is None, "whoever shares it drains it for all"
    Device.objects.update(draining=False)
    assert leases.claim(["bench.box"], "w1")


def test_a_worker_claims_only_from_its_own_queues(cast: Cast) -> None:
    cast.run(queue="bench.board")
    assert leases.claim(CPU, "w1") is None
    assert leases.claim(["bench.board"], "w2")


def test_two_workers_never_claim_one_run(crowd: Cast) -> None:
    runs = [crowd.run() for _ in range(10)]
    got: list[Run] = []

    def work(name: str) -> None:
        while run := leases.claim(CPU, name):
            got.append(run)
        connection.close()

    workers = [threading.Thread(target=work, args=(f"w{i}",)) for i in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(run.number for run in got) == sorted(run.number for run in runs)


def test_an_expired_lease_is_taken_back_and_the_old_holder_is_fenced(cast: Cast) -> None:
    old = taken(cast)
    expire(old)
    leases.take_back_expired()
    new = leases.claim(CPU, "w2")
    assert new and new.attempt == 2 and new.token > old.token
    with pytest.raises(leases.Fenced):
        leases.renew(old)
    with pytest.raises(leases.Fenced):
        recorder.record(old, [Log(message="a zombie speaks")])
    recorder.record(new, [Log(message="the holder speaks")])


def test_a_holder_that_renews_just_before_it_is_taken_back_keeps_its_run(cast: Cast) -> None:
    run = taken(cast)
    leases.take_back(run, "silent", only=Q(lease_until__lt=Now()))
    leases.renew(run)
    assert Run.objects.get(pk=run.pk).status == Status.RUNNING


def test_what_a_dead_predecessor_held_need_not_wait_for_its_lease(cast: Cast) -> None:
    cast.run()
    cast.run()
    dead, living = leases.claim(CPU, "w1", pid=111), leases.claim(CPU, "w1", pid=222)
    assert dead and living
    assert leases.take_back_orphans("w2", lambda pid: False) == []
    assert leases.take_back_orphans("w1", lambda pid: pid == 222) == [dead]
    again = leases.claim(CPU, "w1", pid=333)
    assert again == dead and again.token > dead.token


def test_every_end_is_told_by_exactly_one_last_event(cast: Cast) -> None:
    given_up, cancelled, hopeless = (taken(cast) for _ in range(3))
    Run.objects.filter(pk=given_up.pk).update(stalls=2)
    leases.take_back(given_up, "killed")
    Run.objects.filter(pk=cancelled.pk).update(status=Status.CANCELLING)
    leases.take_back(cancelled, "killed")
    leases.give_up(hopeless, "It cannot be kept.")
    ends = [[event.type for event in run.stream.events.filter(type__in=("finished", "failed", "cancelled"))]
            for run in (given_up, cancelled, hopeless)]
    assert ends == [["failed"], ["cancelled"], ["failed"]]


def test_a_living_lease_is_left_alone(cast: Cast) -> None:
    run = taken(cast)
    assert leases.take_back_expired() == []
    leases.renew(run)


def test_a_zombie_cannot_write_even_before_the_run_is_claimed_again(cast: Cast) -> None:
    old = taken(cast)
    expire(old)
    leases.take_back_expired()
    with pytest.raises(leases.Fenced):
        recorder.record(old, [Finished(seconds=1)])


def test_three_attempts_without_a_checkpoint_end_the_run_with_the_reason(cast: Cast) -> None:
    cast.run()
    for _ in range(3):
        run = leases.claim(CPU, "w1")
        assert run
        leases.take_back(run, "its process was killed")
    run.refresh_from_db()
    assert run.status == Status.FAILED
    assert run.reason == "Given up after 3 attempts without a new checkpoint: its process was killed."


def test_a_checkpoint_makes_the_attempts_count_anew(cast: Cast) -> None:
    cast.run()
    for _ in range(8):
        run = leases.claim(CPU, "w1")
        assert run
        leases.progressed(run)
        leases.take_back(run, "its process was killed")
    run.refresh_from_db()
    assert run.status == Status.QUEUED


def test_a_clean_stop_counts_no_attempt(cast: Cast) -> None:
    cast.run()
    for _ in range(5):
        run = leases.claim(CPU, "w1")
        assert run and run.attempt == 1
        leases.release(run)
    run.refresh_from_db()
    assert (run.status, run.attempt, run.stalls) == (Status.QUEUED, 0, 0)


def test_a_run_that_was_being_cancelled_when_its_worker_died_is_cancelled(cast: Cast) -> None:
    run = taken(cast)
    Run.objects.filter(pk=run.pk).update(status=Status.CANCELLING)
    expire(run)
    leases.take_back_expired()
    run.refresh_from_db()
    assert run.status == Status.CANCELLED


def test_an_old_queued_run_is_published_again_but_not_at_once_again(cast: Cast) -> None:
    cast.run()
    assert leases.unpublished() == ["cpu"]
    assert leases.unpublished() == []
    Run.objects.update(published_at=timezone.now() - timedelta(minutes=1))
    assert leases.unpublished() == ["cpu"]


def test_what_a_resumed_attempt_says_again_is_kept_once(cast: Cast) -> None:
    first = taken(cast)
    recorder.record(first, [Metric(name="accuracy", value=0.5, step=1)])
    leases.take_back(first, "killed")
    second = leases.claim(CPU, "w2")
    assert second
    recorder.record(second, [Metric(name="accuracy", value=0.5, step=1), Metric(name="accuracy", value=0.6, step=2)])
    said = [event.body["step"] for event in second.stream.events.filter(type="metric")]
    assert said == [1, 2]


def test_a_run_that_begins_while_its_page_is_made_does_not_wait_for_itself(cast: Cast) -> None:
    run = cast.run()
    assert leases.claim(CPU, "w1") == run
    assert f"run {run.number}" not in why_waiting(run, cast.alice)
