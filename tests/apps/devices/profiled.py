"""Profiles to test with: a small network of four blocks on devices."""

from __future__ import annotations

from typing import Any

from apps.devices.models import Device, Profile
from worker.profile import Block, NetworkProfile

SPANS = (("stem.conv", "stem.conv"), ("block.conv1", "add"), ("head.fc", "head.fc"))
SECONDS = (0.002, 0.006, 0.001)


def network(seconds: tuple[float, ...] = SECONDS, spans: tuple[tuple[str, str], ...] = SPANS, **more: Any) -> NetworkProfile:
    blocks = tuple(Block(first=first, last=last, seconds=each, low_s=each * 0.9, high_s=each * 1.2, output_bytes=1024 * (at + 1),
                         macs=1000 * (at + 1)) for at, ((first, last), each) in enumerate(zip(spans, seconds, strict=True)))
    facts: dict[str, Any] = {"network": "small", "engine": "onnxruntime", "threads": 1, "batch": 1, "sha256": "ab" * 32,
                             "whole_s": sum(seconds), "additivity_error": 0.0}
    return NetworkProfile(blocks=blocks, **facts | more)


def keep(device: Device, told: NetworkProfile | None = None, **more: Any) -> Profile:
    told = told or network()
    return Profile.objects.create(
        team=device.team, device=device, network=told.network, engine=told.engine, threads=told.threads, batch=told.batch,
        origin=told.origin, blocks=len(told.blocks), total_ms=told.total_s * 1e3, form="house",
        body=told.model_dump(mode="json"), **more)
