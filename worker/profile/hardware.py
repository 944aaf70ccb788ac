"""What a device is, as a file describes it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from worker.profile.network import Fact, Name, Seen

TIERS = ("device", "edge", "cloud")
MOST_RUNTIMES, MOST_LABELS = 50, 20
Runtime = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.+\-]{1,60}$")]
Version = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.+:~\-]{1,60}$"),
                    Field(json_schema_extra={"allowed": "1 to 60 letters, digits and . _ + : ~ -, in quotes"})]
Label = Annotated[str, StringConstraints(pattern=r"^[\w.:/+\-]{1,40}$"),
                  Field(json_schema_extra={"allowed": "1 to 40 letters, digits and . _ : / + -"})]


class Hardware(Fact):
    """A machine. What is left out of a description of one that is there already stays as it is."""

    name: Name = Field(examples=["pi-4"], description="Its name, unique in the team.")
    tier: Literal["device", "edge", "cloud"] = Field(
        "device", examples=["device"],
        description="How far it stands from the sensor: at it (device), near it (edge), far off (cloud).")
    hardware: Annotated[str, Seen] = Field("", max_length=200, examples=["Raspberry Pi 4 Model B"],
                                           description="Board or processor.")
    cores: int | None = Field(None, ge=1, le=100_000, examples=[4], description="Cores of its processor.")
    memory_bytes: int | None = Field(None, ge=1, le=10**15, examples=[4000000000],
                                     description="Its main memory; 1 GB is 1000000000.")
    accelerators: Annotated[str, Seen] = Field("", max_length=200, examples=["none"],
                                               description="What computes beside the processor.")
    os: Annotated[str, Seen] = Field("", max_length=120, examples=["Debian 12"], description="Operating system and version.")
    runtimes: Annotated[dict[Runtime, Version], Field(max_length=MOST_RUNTIMES)] = Field(
        {}, examples=[{"onnxruntime": "1.23.2"}], description="Versions of what runs networks there; write them in quotes.")
    location: Annotated[str, Seen] = Field("", max_length=120, examples=["lab 2, shelf B"], description="Where to find it.")
    labels: Annotated[tuple[Label, ...], Field(max_length=MOST_LABELS)] = Field(
        (), examples=[["arm", "lab-2"]], description="Words to find and choose it by.")
