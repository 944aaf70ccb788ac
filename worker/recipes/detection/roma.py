"""ROMA: which detector of several to run on a video now, without labels, so that what is seen in real time is most accurate.

How it works: a heavy detector finds more, but while it runs frames are skipped, and what people see meanwhile are old boxes.
Which detector is best depends on how large objects are, how fast they move and how busy the machine is. All three are estimated
from the boxes that come anyway: a histogram of heights (each box counts for those that its detector misses), the speed of boxes
from one processed frame to the next, and how much longer the detector in use takes than it should. What each detector would
reach is its accuracy on such objects at rest, measured once beforehand, times what is left of it while its boxes grow old;
another one takes over where it is better by a margin. Beside it run every detector alone, TOD (the size of objects decides, by
thresholds), profiling from time to time, and an oracle that knows the truth. Scenes, detectors and times are emulated, so that
the truth is known; detections of a real video that were recorded, in the format of the MOT challenges, take their place, and
latencies that were measured on a device that of emulated times.

Lee, Varghese, Vandierendonck: "ROMA: Run-Time Object Detection To Maximize Real-Time Accuracy", WACV 2023, arXiv 2210.16083. Its
equations were not at hand: the estimates are a reconstruction around what its abstract says. TOD: Lee, Varghese, Woods,
Vandierendonck: "TOD: Transprecise Object Detection to Maximise Real-Time Accuracy on the Edge", 2021 (ICFEC), arXiv 2105.08668.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationInfo, field_validator

from worker.context import Context
from worker.detection import lines, measured
from worker.events import Event
from worker.evidence import Evidence
from worker.params import Params as EveryRecipe
from worker.params import RecordingsRef, Refit, Suited, param
from worker.recipe import Chart, Paper, recipe

if TYPE_CHECKING:
    from worker.detection.asked import Asked

LONGEST, MOST_FPS = 2000, 240
EMULATED = " (emulated)"
OF_RECORDINGS = ("What is filmed, the frame rate and what each detector finds are those of the recordings. Where they have "
                 "truth, name and time of a detector's line count, the rest of the line does not.")
THEIRS = "The detectors are those of the recordings."
OF_THEM = (f"{THEIRS} What each takes stands in no recording: type it in place of each ?, or 'latency of NETWORK on DEVICE' for "
           "what was measured here.")
AT_MOST = " A run takes at most {most} of their {all} detectors"
FIRST = f"{AT_MOST}: these are the first."
NOT_THEIRS = "The lines of detectors name {names}, of which the recordings say nothing; they have: {all}."
MORE_OF_THEM = "The recordings have also {names}, of which no line of detectors says anything."
LEFT_OUT = " Left out, as the recordings say nothing of them: {lines}."
SCENES = "\n".join(f"{size}, {pace}: 240 frames, heights {heights} px, speed {speed}, 12 objects"
                   for size, heights in (("small", "14 to 28"), ("middle", "35 to 70"), ("large", "90 to 180"))
                   for pace, speed in (("slow", "0.01"), ("fast", "0.08")))
DETECTORS = ("tiny-288: 27 ms, h50 55 px, recall 0.9, false positives 0.3\n"
             "tiny-416: 40 ms, h50 40 px, recall 0.92, false positives 0.3\n"
             "full-288: 126 ms, h50 20 px, recall 0.95, false positives 0.2\n"
             "full-416: 216 ms, h50 13 px, recall 0.97, false positives 0.2")


class Params(EveryRecipe):
    recordings: RecordingsRef = param("", essential=True, help=(
        "What detectors said of a real video, in place of scenes: a detector for each line below has to be among them."))
    scenes: str = param(SCENES, essential=True, lines=True, max_length=LONGEST, validate_default=True, help=(
        "What is filmed where there are no recordings, a scene a line, one after the other: 'small, fast: 240 frames, heights "
        "14 to 28 px, speed 0.08, 12 objects'. The picture is 640x360 px; speed is in widths of the object from frame to frame."))
    detectors: str = param(DETECTORS, essential=True, lines=True, max_length=LONGEST, validate_default=True, help=(
        "A detector a line: 'full-288: 126 ms, h50 20 px, recall 0.95, false positives 0.2'. It takes so long, finds half of "
        "what it ever finds at the height h50, at most the share recall, and says so many wrong boxes a frame. In place of the "
        "ms may stand what was measured, such as 'latency of MobileNetV2 on pi4': the newest run of Latency there. Of recordings "
        "with truth 'full-288: 126 ms' is enough."))
    drift: str = param("12 s to 36 s: 2 times", title="latency drift", essential=True, lines=True, max_length=LONGEST, help=(
        "While everything takes longer, or shorter, than the lines of detectors say: '12 s to 36 s: 2 times'. none: never. "
        "ROMA is not told; it sees what its own detections take."))
    fps: float = param(30.0, title="frame rate", help="Frames that the camera delivers.", unit="frames/s", essential=True, ge=1,
                       le=MOST_FPS)
    rule: Literal["hold", "strict"] = param(
        "hold", title="drawn under the rule",
        help="How a skipped frame is scored: hold, with the boxes of the frame processed last before it; strict, with the newest "
             "result that was finished when it came. Both are told, each in charts of its own; the scene and who runs when are "
             "those of this one.")
    margin: float = param(0.03, title="switch margin", essential=True, ge=0, le=1,
                          help="Another detector takes over where it is estimated to be better by this share.")
    pace: Literal["at once", "as filmed"] = param(
        "at once", essential=True, help="as filmed: a second of the video takes a second, to watch it; at once: as fast as it "
                                        "computes.")
    dwell: int = param(2, help="A detector that took over makes so many detections before the next may.", unit="detections", ge=0,
                       le=100)
    memory: float = param(10.0, help="What ROMA saw of sizes and speed so long ago counts for 1/e.",
                          unit="frames", gt=0, le=1000)
    degradation: Literal["logistic", "linear"] = param(
        "logistic", help="How fewer boxes fit as they grow old: softly, around where moved boxes overlap by half no more, or by "
                         "the same share with every frame.")
    steepness: float = param(14.0, help="Logistic: how sharp the edge is, per side moved.", gt=0, le=1000)
    middle: float = param(0.85, help="Logistic: where it is; 1 is the distance at which boxes of one size overlap by half.", gt=0,
                          le=10)
    beta: float = param(1.5, help="Linear: the share of boxes that fall away per side moved.", ge=0, le=100)
    confidence: float = param(0.3, help="Boxes whose score is lower are not shown, and tell TOD and ROMA nothing.", ge=0, le=1)
    jitter: float = param(0.05, help="How far latencies scatter: a standard deviation, as a share.", ge=0, le=0.5)
    switch_ms: float = param(0.0, title="switch", help="What the first detection of another detector takes longer.", unit="ms",
                             ge=0, le=10_000)
    period: float = param(2.0, title="profiling period", unit="s", ge=0.1, le=3600,
                          help="Profiling from time to time: all detectors run on one frame, one after the other, this often.")
    window: float = param(1.0, title="oracle's window", help="The oracle has the best detector of each stretch of this length.",
                          unit="s", ge=0.1, le=3600)
    calibration: float = param(0.3, help="Of recorded detections with truth, the share of frames, at their beginning, that "
                                         "calibrates and is not judged.", gt=0, lt=1)

    @field_validator("scenes")
    @classmethod
    def _are_scenes(cls, value: str) -> str:
        return "; ".join(map(str, lines.read_scenes(value)))

    @field_validator("detectors")
    @classmethod
    def _are_detectors(cls, value: str, info: ValidationInfo) -> str:
        found = lines.read_detectors(value)
        if not info.data.get("recordings") and (said := lines.undescribed(found, lines.ON_SCENES)):
            raise ValueError(said)
        return "; ".join(map(str, found))

    @field_validator("drift")
    @classmethod
    def _are_drifts(cls, value: str) -> str:
        return "; ".join(map(str, lines.read_drift(value))) or lines.NO_DRIFT

    def timed(self) -> tuple[str, ...]:
        return tuple(each.of for each in lines.read_detectors(self.detectors) if each.of)

    def remarks(self) -> list[str]:
        return [OF_RECORDINGS] if self.recordings else []

    @classmethod
    def unused(cls, values: Mapping[str, Any]) -> dict[str, str]:
        if values.get("recordings"):
            return {"scenes": "the recordings are what is filmed", "fps": "the recordings have a frame rate of their own"}
        return {"calibration": "it is a share of recordings"}

    @classmethod
    def suited(cls, detectors: Sequence[str], *, fps: float, has_truth: bool) -> Suited:
        """A line for each detector: the default's where it is called so, else one to be completed. The default's drift is that of
        the default's scenes."""
        known = {each.name: str(each) for each in lines.read_detectors(DETECTORS)}
        told = [known.get(name) or lines.to_fill_in(name, has_truth=has_truth) for name in detectors[:lines.MOST_DETECTORS]]
        more = FIRST.format(most=lines.MOST_DETECTORS, all=len(detectors)) if len(detectors) > lines.MOST_DETECTORS else ""
        rate = {"fps": f"{fps:.12g}"} if fps <= MOST_FPS else {}
        return Suited({"detectors": "\n".join(told), "scenes": "", "drift": lines.NO_DRIFT, **rate}, f"{OF_THEM}{more}")

    @classmethod
    def refitted(cls, values: Mapping[str, Any], detectors: Sequence[str], *, fps: float, has_truth: bool) -> Refit:
        """The lines of the recordings' detectors as they were typed, beside them lines for the others."""
        typed = lines.parted(str(values.get("detectors") or DETECTORS))
        theirs = [line for line in typed if lines.name_of(line) in detectors]
        known = list(map(lines.name_of, typed))
        fresh = [name for name in detectors if name not in known][:max(0, lines.MOST_DETECTORS - len(theirs))]
        if theirs == typed and not fresh:
            return Refit()
        begun = cls.suited(fresh, fps=fps, has_truth=has_truth).values["detectors"]
        told = "\n".join(filter(None, [*theirs, begun]))
        strange = [line for line in typed if line not in theirs]
        return Refit({"detectors": told, **_without_drift(values, strange)}, _why(strange, fresh, detectors),
                     _refit_note(told, strange, detectors))

    def at_least_s(self) -> float:
        """As it was filmed, where that is known; recordings say it themselves."""
        is_known = self.pace == "as filmed" and not self.recordings
        return sum(each.frames for each in lines.read_scenes(self.scenes)) / self.fps if is_known else 0.0

    def misfits(self, detectors: Sequence[str], *, has_truth: bool) -> dict[str, str]:
        asked = lines.read_detectors(self.detectors)
        missing = [each.name for each in asked if each.name not in detectors]
        if not missing:
            said = "" if has_truth else lines.undescribed(asked, lines.WITHOUT_TRUTH)
            return {"detectors": said} if said else {}
        return {"detectors": f"names {', '.join(map(repr, missing))}, of which the recordings say nothing; they have: "
                             f"{', '.join(detectors) or 'none'}"}

    def asked(self, context: Context) -> Asked:
        """What is to be rehearsed. Loads NumPy."""
        from worker.detection.asked import Asked
        from worker.detection.degradation import Linear, Logistic
        from worker.detection.memory import Memory
        from worker.detection.policies.roma import Knobs

        detectors, known = measured.filled(lines.read_detectors(self.detectors), context.profiles())
        form = Linear(self.beta) if self.degradation == "linear" else Logistic(self.steepness, self.middle)
        return Asked(
            lines.read_scenes(self.scenes), detectors, lines.read_drift(self.drift), self.fps,
            self.seed, Knobs(self.margin, self.dwell, Memory(self.memory), form), self.rule, self.confidence, self.jitter,
            self.switch_ms, self.period, self.window, self.pace == "as filmed", context.recordings(), self.calibration,
            known)


def _without_drift(values: Mapping[str, Any], strange: Sequence[str]) -> dict[str, str]:
    """The default's drift is that of the default's scenes: one that was typed stays."""
    usual = lines.parted(Params.model_fields["drift"].default)
    return {"drift": lines.NO_DRIFT} if strange and lines.parted(str(values.get("drift") or "")) in ([], usual) else {}


def _why(strange: Sequence[str], fresh: Sequence[str], detectors: Sequence[str]) -> str:
    if strange:
        return NOT_THEIRS.format(names=", ".join(map(lines.name_of, strange)), all=", ".join(detectors))
    return MORE_OF_THEM.format(names=", ".join(fresh))


def _refit_note(told: str, strange: Sequence[str], detectors: Sequence[str]) -> str:
    """What is to be typed, and which lines of the person's own are gone."""
    more = f"{AT_MOST}.".format(most=lines.MOST_DETECTORS, all=len(detectors)) if len(detectors) > lines.MOST_DETECTORS else ""
    own = [line for line in strange if line not in lines.parted(DETECTORS)]
    gone = LEFT_OUT.format(lines="; ".join(own)) if own else ""
    return f"{OF_THEM if lines.OPEN in told else THEIRS}{more}{gone}"


def lacks(params: Params, evidence: Evidence) -> dict[str, str]:
    said = measured.lacking(evidence, lines.read_detectors(params.detectors))
    return {"detectors": said} if said else {}


def titled(chart: Chart, params: Mapping[str, Any]) -> str:
    """What of this run is emulated, and what is not."""
    detectors, drift = lines.read_detectors(str(params.get("detectors"))), lines.read_drift(str(params.get("drift", "")))
    origin = lines.origin(detectors, is_recorded=bool(params.get("recordings")), drifts=bool(drift))
    return f"{chart.title.removesuffix(EMULATED)} ({origin})"


def over_time(rule: str) -> Chart:
    return Chart("line", f"Real-time accuracy, {rule} rule{EMULATED}", y=(f"accuracy_{rule}",), by="policy", steps_per_x=1000,
                 x_title="time in the video, s", y_title="real-time AP of the stretch")


def by_scene(rule: str) -> Chart:
    return Chart("bars", f"Accuracy by scene, {rule} rule{EMULATED}", y=(f"scene_accuracy_{rule}",), x="scene", by="policy",
                 y_title="real-time AP")


@recipe(
    "ROMA", params=Params, lacks=lacks, titled=titled,
    charts=[Chart("scene", f"The scene and what ROMA shows of it{EMULATED}", y=("scene_boxes",), by="detector"),
            Chart("lanes", f"Whose boxes are shown when{EMULATED}", y=("serving_s",), x="policy", by="detector",
                  x_title="policy", y_title="s of the video"),
            over_time("hold"), over_time("strict"), by_scene("hold"), by_scene("strict"),
            Chart("bands", f"Which detector alone is best under which emulated load{EMULATED}", y=("band_accuracy",),
                  by="detector", x_title="times what detections take now, or the frame rate of the same frames",
                  y_title="real-time AP at load 1")],
    example={"scenes": "small, slow: 60 frames, heights 14 to 28 px, speed 0.01, 8 objects; "
                       "large, fast: 60 frames, heights 90 to 180 px, speed 0.08, 8 objects",
             "detectors": DETECTORS, "drift": "2 s to 4 s: 2 times"},
    presets={"watch it": {"pace": "as filmed"},
             "no drift": {"drift": "none"}, "a slow switch": {"switch_ms": 100.0, "margin": 0.1}},
    use_when="a camera is watched by one of several detectors, and neither what it films nor the machine stays the same.",
    papers=[Paper("lee2023roma", ("Lee, JunKyu", "Varghese, Blesson", "Vandierendonck, Hans"),
                  "ROMA: Run-Time Object Detection To Maximize Real-Time Accuracy", 2023, venue="WACV 2023", arxiv="2210.16083"),
            Paper("lee2021tod", ("Lee, JunKyu", "Varghese, Blesson", "Woods, Roger", "Vandierendonck, Hans"),
                  "TOD: Transprecise Object Detection to Maximise Real-Time Accuracy on the Edge", 2021, venue="ICFEC 2021",
                  arxiv="2105.08668")],
)
def run(params: Params, context: Context) -> Generator[Event, None, dict[str, Any]]:
    from worker.detection.telling import tell

    return (yield from tell(params.asked(context), context))
