"""Both engines, and either precision, give the answers of the network."""

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch

from model import bundle as bundles
from model.engines import BFLOAT16, ENGINES, FLOAT32, INT8, ONNX, TorchScript, torchscript
from model.errors import BundleError
from model.recognizer import Recognizer
from model.settings import Settings, cores
from preprocess import runtime
from training.enrolment import gallery_of

SERVE = """
import pathlib, sys
from model.recognizer import Recognizer
from model.settings import Settings
print(*sorted({"torch", "onnxruntime"} & set(sys.modules)))
recognizer = Recognizer.load(sys.argv[1], Settings.read())
print(recognizer.recognize(pathlib.Path(sys.argv[2]).read_bytes()).faces[0].label)
print(*sorted({"torch", "onnxruntime"} & set(sys.modules)))
"""


@pytest.fixture(scope="module")
def unseen(samples):
    return samples / "unseen" / "Barack Obama" / "obama2.jpg"


@pytest.fixture(scope="module")
def chips(bundle, samples):
    """Real faces: of the people, unseen and strangers."""
    recognizer = Recognizer.load(str(bundle), Settings.read())
    return np.concatenate([recognizer.align(photo.read_bytes())[:1] for photo in sorted(samples.rglob("*.jpg"))])


@pytest.fixture(scope="module")
def usual(bundle, chips):
    """The answers of TorchScript in float32 for the chips."""
    return TorchScript(bundle, cores()).run(chips)


def operators(engine, chips):
    """Return the names of the operators that run while the engine answers."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        engine.run(chips)
    return {event.key for event in profile.key_averages()}


def cosines(one, other):
    return (one * other).sum(axis=1)


def test_eight_bits_change_an_embedding_less_than_another_photo_would_and_no_name(bundle, chips, usual):
    engine = ONNX.load(bundles.load(str(bundle)), cores())
    assert engine.precision == INT8
    embeddings, logits = engine.run(chips)
    assert 0.998 <= cosines(embeddings, usual[0]).min() < 0.9999
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(logits.argmax(axis=1), usual[1].argmax(axis=1))


def test_a_processor_without_vnni_computes_the_same_in_eight_bits(bundle, chips, monkeypatch):
    usual = ONNX(bundle, cores()).run(chips)
    monkeypatch.setattr(runtime, "adds_in_32_bits", lambda: False)
    for found, expected in zip(ONNX(bundle, cores()).run(chips), usual, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_each_engine_has_prototypes_and_a_calibration_of_its_own(bundle, monkeypatch):
    manifest = bundles.load(str(bundle)).manifest
    loaded = {}
    for name in ENGINES:
        monkeypatch.setenv("VISAGE_ENGINE", name)
        loaded[name] = Recognizer.load(str(bundle), Settings.read())
    default, other = loaded.values()
    assert (default.manifest.threshold, default.manifest.temperature) == (manifest.threshold, manifest.temperature)
    own = manifest.engines[ONNX.name]
    assert (other.manifest.threshold, other.manifest.temperature) == (own.threshold, own.temperature)
    assert own.threshold != manifest.threshold
    assert other.manifest.calibration == own.calibration
    assert other.version == default.version
    galleries = [gallery_of(bundles.load(str(bundle)), engine.gallery) for engine in ENGINES.values()]
    np.testing.assert_array_equal(galleries[0].people, galleries[1].people)
    assert 0.998 <= cosines(galleries[0].embeddings, galleries[1].embeddings).min() < 0.9999


def test_both_engines_name_the_same_people_and_strangers(bundle, samples, monkeypatch):
    answers = []
    for name in ENGINES:
        monkeypatch.setenv("VISAGE_ENGINE", name)
        recognizer = Recognizer.load(str(bundle), Settings.read())
        faces = [recognizer.recognize(photo.read_bytes()).faces for photo in sorted(samples.rglob("*.jpg"))]
        answers.append([[(face.label, face.known, face.predictions[0].label) for face in found] for found in faces])
    assert answers[0] == answers[1]
    assert {label for found in answers[0] for label, *_ in found} == {"Barack Obama", None}


def test_fused_convolutions_give_the_same_answers(bundle, chips, usual):
    engine = TorchScript(bundle, cores())
    before = engine.fuse(chips[:1], FLOAT32)
    for one, other in zip(before, usual, strict=True):
        np.testing.assert_allclose(one, other[:1], atol=1e-4)
    for count in (1, len(chips)):
        embeddings, logits = engine.run(chips[:count])
        assert cosines(embeddings, usual[0][:count]).min() >= 0.999999
        np.testing.assert_allclose(logits, usual[1][:count], atol=1e-4)


def test_a_fused_network_has_no_separate_additions_or_relus(bundle, chips):
    plain, fused = TorchScript(bundle, cores()), TorchScript(bundle, cores())
    fused.fuse(chips[:1], FLOAT32)
    separate = {"aten::relu", "aten::add", "aten::_convolution"}
    assert operators(plain, chips[:1]) >= separate
    assert not operators(fused, chips[:1]) & separate


@pytest.mark.skipif(not torchscript._computes_bfloat16(), reason="This processor does not multiply in bfloat16.")
def test_in_bfloat16_the_answers_stay(bundle, chips, usual):
    engine = TorchScript.load(bundles.load(str(bundle)), cores())
    assert engine.precision == BFLOAT16
    embeddings, logits = engine.run(chips)
    assert 0.999 <= cosines(embeddings, usual[0]).min() < 0.9999999
    assert embeddings.dtype == logits.dtype == np.float32
    np.testing.assert_array_equal(logits.argmax(axis=1), usual[1].argmax(axis=1))


@pytest.mark.skipif(not torchscript._computes_bfloat16(), reason="This processor does not multiply in bfloat16.")
def test_bfloat16_is_not_used_where_it_changes_the_answer(bundle, monkeypatch):
    monkeypatch.setattr(torchscript, "MIN_COSINE", 1.1)
    engine = TorchScript.load(bundles.load(str(bundle)), cores())
    assert engine.precision == FLOAT32


def test_a_processor_without_bfloat16_computes_in_float32(bundle, monkeypatch):
    monkeypatch.setattr(torchscript, "_computes_bfloat16", lambda: False)
    assert TorchScript.load(bundles.load(str(bundle)), cores()).precision == FLOAT32


FAILING = {
    "torch._C._jit_pass_constant_propagation": RuntimeError,
    "torch._C._create_function_from_graph": AttributeError,
    "torch._C._jit_pass_dce": TypeError,
    "model.engines.fusion._replace": RuntimeError,
    "model.engines.fusion._packed": LookupError,
    "model.engines.torchscript._computes_bfloat16": AttributeError,
    "torch.jit.optimized_execution": AttributeError,
    "torch._C._get_graph_executor_optimize": RuntimeError,
}
"""Private API of torch, or what calls it, and an error that another version of torch may raise there."""


@pytest.mark.parametrize(("place", "error"), FAILING.items())
def test_a_failing_private_api_only_costs_speed_and_is_logged_once(
    bundle, chips, usual, monkeypatch, caplog, place, error
):
    def fail(*_, **__):
        raise error("changed")

    monkeypatch.setattr(place, fail)
    embeddings, logits = TorchScript.load(bundles.load(str(bundle)), cores()).run(chips)
    assert cosines(embeddings, usual[0]).min() >= 0.999
    np.testing.assert_array_equal(logits.argmax(axis=1), usual[1].argmax(axis=1))
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert error.__name__ in record.getMessage()
    assert "fail" in record.getMessage()


def test_a_fused_network_that_fails_later_is_replaced_by_the_plain_one(bundle, chips, usual, monkeypatch, caplog):
    engine = TorchScript(bundle, cores())
    engine.fuse(chips[:1], FLOAT32)

    def fail(_):
        raise RuntimeError("could not create a primitive")

    monkeypatch.setattr(engine, "_network", fail)
    for _ in range(2):
        embeddings, logits = engine.run(chips)
        np.testing.assert_allclose(embeddings, usual[0], atol=1e-4)
        np.testing.assert_allclose(logits, usual[1], atol=1e-4)
    assert len(caplog.records) == 1


def test_the_stub_of_lambda_gives_way_to_the_module_when_something_reads_it():
    script = """
import sys
from model.engines import TorchScript
TorchScript.prepare(in_lambda=True)
print("torch._decomp" in sys.modules)
import torch
print(callable(torch._meta_registrations.activate_meta), "torch._decomp" in sys.modules)
"""
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert said.splitlines() == ["False", "True True"]


@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
def test_every_engine_takes_one_chip_and_several(bundle, chips, engine, monkeypatch):
    monkeypatch.setattr(torchscript, "_computes_bfloat16", lambda: False)  # whose roundings depend on the batch
    loaded = engine.load(bundles.load(str(bundle)), cores())
    together = loaded.run(chips[:3])
    assert [values.dtype for values in together] == [np.float32, np.float32]
    for at in range(3):
        for one, several in zip(loaded.run(chips[at : at + 1]), together, strict=True):
            np.testing.assert_allclose(one[0], several[at], atol=1e-4)


@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
def test_an_engine_uses_the_threads_it_is_given(bundle, engine):
    assert [engine(bundle, threads).threads for threads in (1, 2)] == [1, 2]


def test_an_engine_that_does_not_exist_is_an_error_that_names_those_that_do(bundle, monkeypatch):
    monkeypatch.setenv("VISAGE_ENGINE", "tensorflow")
    with pytest.raises(BundleError, match=r'"tensorflow".*torchscript or onnx'):
        Recognizer.load(str(bundle), Settings.read())


WITH_TORCH = "onnxruntime torch"
"""ONNX Runtime finds the faces under both engines."""


@pytest.mark.parametrize(
    ("name", "libraries"), [("", WITH_TORCH), ("torchscript", WITH_TORCH), ("onnx", "onnxruntime")]
)
def test_serving_imports_torch_only_for_its_engine(bundle, unseen, name, libraries):
    command = [sys.executable, "-c", SERVE, str(bundle), str(unseen)]
    environment = os.environ | {"VISAGE_ENGINE": name}
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    assert said.splitlines() == ["", "Barack Obama", libraries]


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_needs_no_file_of_the_other(bundle, unseen, name, tmp_path, monkeypatch):
    monkeypatch.setenv("VISAGE_ENGINE", name)
    others = {file for engine in ENGINES.values() for file in engine.files} - set(ENGINES[name].files)
    shutil.copytree(bundle, tmp_path / "bundle", ignore=shutil.ignore_patterns(*others))
    (face,) = Recognizer.load(str(tmp_path / "bundle"), Settings.read()).recognize(unseen.read_bytes()).faces
    assert face.label == "Barack Obama"


@pytest.mark.parametrize("file", ONNX.files)
def test_an_altered_onnx_file_is_refused(bundle, tmp_path, monkeypatch, file):
    monkeypatch.setenv("VISAGE_ENGINE", ONNX.name)
    altered = shutil.copytree(bundle, tmp_path / "bundle")
    with (altered / file).open("r+b") as content:
        content.seek(1000)
        content.write(b"altered")
    assert bundles.load(str(altered), files=TorchScript.files)
    with pytest.raises(BundleError, match=file):
        Recognizer.load(str(altered), Settings.read())
