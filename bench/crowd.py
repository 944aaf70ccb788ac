"""A team's work of years, written by SQL in seconds: experiments, runs, variants, numbers, events, portfolios."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from django.db import connection


@dataclass
class Crowd:
    """How much of what. `label` tells two crowds of one team apart; the ids follow from it."""

    team: str
    user: str
    dataset: str
    label: str = "a"
    runs: int = 10_000
    runs_an_experiment: int = 5
    models: int = 200
    variants_a_run: int = 10
    numbers_a_run: int = 30
    events_a_run: int = 100
    datasets: int = 50
    devices: int = 20
    portfolios: int = 200

    def id(self, kind: str, number: int = 1) -> str:
        with connection.cursor() as cursor:
            cursor.execute(f"select {_id(kind, '%(number)s')}", {"label": self.label, "number": number})
            return str(cursor.fetchone()[0])

    def come(self) -> None:
        """Write it all; then let PostgreSQL count, as autovacuum would within a minute."""
        values = {**asdict(self), "blob": "f" * 64, "experiments": -(-self.runs // self.runs_an_experiment)}
        with connection.cursor() as cursor:
            cursor.execute("set statement_timeout = 0")
            cursor.execute("select coalesce(max(number), 0) from experiments_run where team_id = %(team)s", values)
            values["base"] = cursor.fetchone()[0]
            for statement in STATEMENTS:
                cursor.execute(statement, values)
            cursor.execute("analyze")
            cursor.execute("reset statement_timeout")


def _id(kind: str, number: Any) -> str:
    return f"md5(%(label)s || '{kind}' || {number})::uuid"


PARAMS = "jsonb_build_object('model', {root}, 'dataset', %(dataset)s::text, 'epochs', 5, 'seed', i, 'learning_rate', 0.01)"
ROOT = _id("root", "(i %% %(models)s + 1)")
INPUTS = (f"jsonb_build_object('model', jsonb_build_object('kind', 'model', 'id', {ROOT}, 'name', 'Network'),"
          " 'dataset', jsonb_build_object('kind', 'dataset', 'id', %(dataset)s::text, 'name', 'Data'))")
SUMMARY = ("jsonb_build_object('accuracy_before', 0.1, 'accuracy_after', 0.9, 'params_before', 1000000, 'params_after', 100000,"
           " 'size_bytes_before', 4000000, 'size_bytes_after', 400000, 'train_seconds', 12.5, 'variants', '[]'::jsonb)")
STATEMENTS = (
    "insert into catalog_blob (sha256, size_bytes, created) values (%(blob)s, 1000, now()) on conflict do nothing",
    f"""insert into catalog_registeredmodel (id, team_id, created, name, task, in_shape, classes, description)
        select {_id('model', 'i')}, %(team)s, now(), %(label)s || ' Network ' || i, 'image classification', '[1, 8, 8]', 10, ''
        from generate_series(1, %(models)s) i""",
    f"""insert into catalog_variant (id, team_id, created, model_id, name, file_id, precision, size_bytes, params, macs,
            activation_bytes, notes)
        select {_id('root', 'i')}, %(team)s, now(), {_id('model', 'i')}, 'original', %(blob)s, 'fp32', 4000000, 1000000, 9000000,
            65536, '[]' from generate_series(1, %(models)s) i""",
    f"""insert into catalog_dataset (id, team_id, created, name, description, in_shape, classes, labels, counts, file_id, notes)
        select {_id('dataset', 'i')}, %(team)s, now(), %(label)s || ' Data ' || i, '', '[1, 8, 8]', 10, '[]',
            '{{"train": 1000, "validation": 100, "test": 100}}', %(blob)s, '[]' from generate_series(1, %(datasets)s) i""",
    f"""insert into devices_device (id, team_id, created, name, tier, hardware, os, accelerators, location, host, retired, shared,
          draining, busy, runtimes, labels, health)
        select {_id('device', 'i')}, %(team)s, now(), %(label)s || ' Board ' || i, 'device', 'Arm', 'Linux', '', '', '', false,
          false, false, false, '{{}}', '[]', '{{}}'
        from generate_series(1, %(devices)s) i""",
    f"""insert into experiments_experiment (id, team_id, created, name, recipe, created_by_id, sweep, tags)
        select {_id('experiment', 'i')}, %(team)s, now() - (%(experiments)s - i) * interval '1 minute',
            %(label)s || ' experiment ' || i, 'training.backprop', %(user)s, '[]', '["nightly"]'
        from generate_series(1, %(experiments)s) i""",
    f"""insert into live_stream (id, team_id, created, head, is_teams)
        select {_id('stream', 'i')}, %(team)s, now(), %(events_a_run)s, false from generate_series(1, %(runs)s) i""",
    f"""insert into experiments_run (id, team_id, created, experiment_id, stream_id, number, recipe, params, inputs, live_params,
            queue, status, queued_at, started_at, finished_at, token, attempt, stalls, worker, done, total, stage, stages,
            environment, summary, reason, trace)
        select {_id('run', 'i')}, %(team)s, now() - (%(runs)s - i) * interval '12 seconds',
            {_id('experiment', '((i - 1) / %(runs_an_experiment)s + 1)')}, {_id('stream', 'i')}, %(base)s + i,
            'training.backprop',
            {PARAMS.format(root=ROOT)}, {INPUTS}, '{{}}', 'cpu',
            (array['finished', 'finished', 'finished', 'failed', 'cancelled'])[i %% 5 + 1], now(), now() - interval '1 minute',
            now(), 1, 1, 0, '', 5, 5, 'train', '{{}}', '{{}}', {SUMMARY}, '', ''
        from generate_series(1, %(runs)s) i""",
    f"""insert into catalog_variant (id, team_id, created, model_id, parent_id, name, file_id, onnx_id, precision, size_bytes,
            params, macs, activation_bytes, made_by, notes)
        select {_id('variant', "(i || '.' || j)")}, %(team)s, now() - (%(runs)s - i) * interval '12 seconds',
            {_id('model', '(i %% %(models)s + 1)')}, {ROOT}, 'variant ' || j, %(blob)s, %(blob)s, 'fp32', 400000 + j, 100000 + j,
            900000, 65536, {_id('run', 'i')}, '[]'
        from generate_series(1, %(runs)s) i, generate_series(1, %(variants_a_run)s) j""",
    f"""insert into experiments_runvariant (run_id, variant_id, name)
        select {_id('run', 'i')}, {_id('variant', "(i || '.' || j)")}, 'variant ' || j
        from generate_series(1, %(runs)s) i, generate_series(1, %(variants_a_run)s) j""",
    f"""insert into experiments_runfile (run_id, path, name, media_type, blob_id)
        select {_id('run', 'i')}, 'file ' || j, 'file ' || j, 'text/plain', %(blob)s
        from generate_series(1, %(runs)s) i, generate_series(1, 3) j""",
    f"""insert into experiments_measurement (id, team_id, created, run_id, variant_name, variant_id, metric, value, low, high, n,
            unit, origin, device, engine, threads, batch, dataset, split, noisy)
        select gen_random_uuid(), %(team)s, now(), {_id('run', 'i')}, 'variant ' || (j %% %(variants_a_run)s + 1),
            {_id('variant', "(i || '.' || (j %% %(variants_a_run)s + 1))")},
            (array['accuracy', 'latency_ms_p50', 'size_bytes'])[j %% 3 + 1], 0.5 + j / 100.0, 0.4, 0.6, 100,
            (array['', 'ms', 'bytes'])[j %% 3 + 1], 'measured', 'this computer', 'onnxruntime', 1, 1, 'Data', 'test', false
        from generate_series(1, %(runs)s) i, generate_series(1, %(numbers_a_run)s) j""",
    f"""insert into live_event (stream_id, seq, at, type, body)
        select stream, j, now(), 'metric', jsonb_build_object('name', 'accuracy', 'value', j / 1000.0, 'step', j,
            'labels', '{{"split": "validation"}}'::jsonb)
        from (select {_id('stream', 'i')} as stream from generate_series(1, %(runs)s) i order by 1) streams,
            generate_series(1, %(events_a_run)s) j""",
    f"""insert into live_stream (id, team_id, created, head, is_teams)
        select {_id('board', 'i')}, %(team)s, now(), 0, false from generate_series(1, %(portfolios)s) i""",
    f"""insert into portfolios_portfolio (id, team_id, created, stream_id, name, description, author_id, state, version, named_in,
            changed_at)
        select {_id('portfolio', 'i')}, %(team)s, now(), {_id('board', 'i')}, %(label)s || ' portfolio ' || i, '', %(user)s,
            'draft', 1, 1, now() from generate_series(1, %(portfolios)s) i""",
    f"""insert into portfolios_entry (portfolio_id, variant_id, note, created)
        select {_id('portfolio', 'i')}, {_id('variant', "(j || '.1')")}, '', now()
        from generate_series(1, %(portfolios)s) i, generate_series(1, least(8, %(runs)s)) j""",
    f"""insert into portfolios_criterion (portfolio_id, metric, unit, device, dataset, comparison, bound, changed_in)
        select {_id('portfolio', 'i')}, (array['accuracy', 'latency_ms_p50', 'size_bytes'])[j],
            (array['', 'ms', 'bytes'])[j], '', '', 'at_most', 0.6, 1
        from generate_series(1, %(portfolios)s) i, generate_series(1, 3) j""",
    f"""insert into portfolios_comment (portfolio_id, author_id, text, about, version, created)
        select {_id('portfolio', 'i')}, %(user)s, 'a comment', '', 1, now()
        from generate_series(1, %(portfolios)s) i, generate_series(1, 5) j""",
    "update accounts_team set runs_numbered = %(base)s + %(runs)s where id = %(team)s",
)
