"""Sends uploads to the API in a process of its own, which is watched: it may crash, hang, print, and eat memory.

The process runs all of the API: the handler, decoding, detection, alignment, and the network for one photo of
EVERY_NTH. Whatever else it does than to answer 200 or a documented 4xx in time is a finding.
"""

import ctypes
import faulthandler
import importlib
import io
import json
import os
import re
import resource
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from api import ModelLoader, Telemetry, create_app
from api.errors import PROBLEMS
from dataset.centerface import network
from model.gallery import Gallery
from model.recognizer import Recognizer
from model.settings import ROOT, Settings
from preprocess.align import Aligner, predictor_file
from preprocess.detect import Detector
from tests.gateway import SENDERS, Client, FakeRecognizer

MAX_CPU_S = 1.5
"""The most time of one core that an accepted or refused photo may take, the network apart."""

MAX_MEMORY_MB = 700
"""The most memory that a photo may take, beyond what the process had before it."""

ADDRESS_SPACE = 3_000_000_000
"""Bytes beyond the start, after which an allocation fails, so that a bomb ends in a finding and not in the machine."""

PATIENCE_S = 60
"""An upload that takes longer than this is a hang. It is much more than MAX_CPU_S, because other tests run beside."""

EVERY_NTH = 25
"""How many photos with a face there are for one that the network sees. It takes most of the time of an answer, and
gets a chip of the same shape whatever the photo was."""

DOCUMENTED = {problem.name: problem.status for problem in PROBLEMS.values() if problem.status < 500}


@dataclass(frozen=True)
class Observation:
    """What an upload did: the answer, processor seconds, MB at the peak and afterwards, what was
    printed, and the log."""

    status: int
    problem: str | None
    cpu_s: float
    peak_mb: float
    resident_mb: float
    printed: str = ""
    log: str = ""


@dataclass(frozen=True)
class Death:
    """The process died of an upload, or hung: how, and what faulthandler printed."""

    how: str
    printed: str


class Watched:
    """The process, which is started again after it died. Use it as a context manager.

    `make` is called in the process; it returns an object whose `observe` gets what `send` was given.
    """

    def __init__(self, make, patience_s=PATIENCE_S):
        self._make, self._patience_s = make, patience_s
        self._process = self._connection = None
        self._output = tempfile.TemporaryDirectory(prefix="visage-fuzz-")

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self._stop()
        self._output.cleanup()

    def send(self, upload):
        """Return the Observation of an upload, or the Death of the process."""
        if self._process is None:
            self._start()
        try:
            self._connection.send(upload)
            if self._connection.poll(self._patience_s):
                return self._connection.recv()
            how = f"it took more than {self._patience_s} s"
        except (EOFError, ConnectionError):
            self._process.join()
            how = f"the process ended with status {self._process.exitcode}"
        self._stop()
        return Death(how, self._printed())

    def _start(self):
        context = get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_answer, args=(theirs, self._file, self._make), daemon=True)
        self._process.start()
        theirs.close()
        try:
            self._connection.recv()  # it is ready
        except EOFError as error:
            raise RuntimeError(f"The process did not start: {self._printed()}") from error

    def _stop(self):
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process.close()
            self._connection.close()
        self._process = self._connection = None

    @property
    def _file(self):
        return Path(self._output.name) / "output.txt"

    def _printed(self):
        return self._file.read_text(errors="replace")[:4000]


def complaint(upload, seen):
    """Return a sentence on what is wrong with what an upload did; None if nothing is."""
    if isinstance(seen, Death):
        return f"died: {seen.how}"
    if seen.status != 200 and DOCUMENTED.get(seen.problem) != seen.status:
        return f"answered {seen.status} {seen.problem}{_origin(seen.log)}"
    if seen.printed:
        return f"printed {_gist(seen.printed)}"
    if seen.cpu_s > MAX_CPU_S:
        return f"took more than {MAX_CPU_S} s"
    if seen.peak_mb > MAX_MEMORY_MB:
        return f"took more than {MAX_MEMORY_MB} MB"
    return None


def _origin(log):
    """Return the unexpected error that the log tells of, and the last line of ours that it went through."""
    for line in map(json.loads, log.splitlines()):
        ours = re.findall(rf'"{ROOT}/(?!\.venv)([^"]+)", line ([0-9]+)', "".join(line.get("where", [])))
        if ours:
            return f": {line['error']} in {':'.join(ours[-1])}"
    return ""


def _gist(text):
    """Return the line that says what the others are about, without numbers, so that findings of a kind are the same."""
    lines = text.strip().splitlines() or ["blank lines"]
    line = next((line for line in lines if "Warning: " in line or "Error: " in line), lines[-1])
    return re.sub(r"[0-9]+", "N", line.rpartition("Warning: ")[2])[:100]


class _SometimesEngine:
    """Runs the network of an engine for some photos only, and measures its time."""

    def __init__(self, engine):
        self._engine, self._calls, self._labels, self.cpu_s = engine, 0, 1, 0.0

    def run(self, chips):
        self._calls += 1
        if self._engine and self._calls % EVERY_NTH == 1:
            began = time.process_time()
            embeddings, logits = self._engine.run(chips)
            self.cpu_s += time.process_time() - began
            self._labels = logits.shape[1]
            return embeddings, logits
        unit = np.full((len(chips), 512), 512**-0.5, np.float32)
        return unit, np.zeros((len(chips), self._labels), np.float32)


def _recognizer(model):
    """Return a recognizer whose network runs sometimes, and that network."""
    if model is None:
        engine = _SometimesEngine(None)
        gallery = Gallery.plain(np.eye(1, 512, dtype=np.float32), np.zeros(1, np.int64))
        return Recognizer(
            FakeRecognizer.manifest, gallery, Detector(network()), Aligner(predictor_file()), engine
        ), engine
    recognizer = Recognizer.load(str(model), Settings.read({"VISAGE_ENGINE": "onnx"}))
    engine = recognizer.engine = _SometimesEngine(recognizer.engine)
    return recognizer, engine


def _answer(connection, file, make):
    """Answer uploads until the parent closes the connection. Runs in the watched process."""
    output = os.open(file, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
    for stream in (sys.stdout.fileno(), sys.stderr.fileno()):
        os.dup2(output, stream)
    faulthandler.enable(sys.stderr)
    api = make()
    _limit_memory()
    with connection, suppress(EOFError):
        connection.send("ready")
        while True:
            upload = connection.recv()
            os.ftruncate(output, 0)
            seen = api.observe(upload)
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            connection.send(replace(seen, printed=_without_metrics(file.read_text(errors="replace"))))


class API:
    """The API with every sender, and what its log says. Most photos get made-up embeddings, see EVERY_NTH."""

    def __init__(self, model=None):
        """`model` is the folder of a bundle; without it, no photo meets a network."""
        recognizer, engine = _recognizer(model)
        handler = importlib.import_module("handler")  # reads the environment, so not imported by the parent
        telemetry, loader = Telemetry(), ModelLoader(lambda: recognizer)
        self._engine, self._log = engine, io.StringIO()
        telemetry.logger.logger_handler.setStream(self._log)
        function = handler.create_handler(create_app(loader, telemetry), loader, telemetry)
        self._clients = {sender: Client(function, sender) for sender in SENDERS}

    def observe(self, upload):
        """Answer an upload, and measure."""
        client = self._clients[upload.sender]
        network, before = self._engine.cpu_s, _resident_mb(reset=True)
        began = time.process_time()
        answer = client.post(upload.path, upload.body, upload.content_type, encoded=upload.encoded)
        spent = time.process_time() - began - (self._engine.cpu_s - network)
        peak = _resident_mb("VmHWM") - before
        problem = None if answer.status == 200 else answer.problem
        return Observation(answer.status, problem, spent, peak, _resident_mb(), log=self._logged())

    def _logged(self):
        text = self._log.getvalue()
        self._log.seek(0)
        self._log.truncate()
        return text


def _without_metrics(text):
    """Return what was printed, but for the metrics: a line of JSON for CloudWatch."""
    return "".join(line for line in text.splitlines(keepends=True) if '"_aws":' not in line)


def _resident_mb(field="VmRSS", *, reset=False):
    """Return the memory of this process, from Linux's proc(5); elsewhere 0, and memory is not checked."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0.0
    if reset:
        ctypes.CDLL(None).malloc_trim(0)  # what was freed counts no longer
        Path("/proc/self/clear_refs").write_text("5")  # the maximum starts again
    kib = next(line.split()[1] for line in status.read_text().splitlines() if line.startswith(f"{field}:"))
    return int(kib) * 1024 / 1e6


def _limit_memory():
    """Let large allocations fail where Linux can say how much there is already."""
    sizes = Path("/proc/self/statm")
    if sizes.exists():
        used = int(sizes.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + ADDRESS_SPACE, resource.RLIM_INFINITY))
