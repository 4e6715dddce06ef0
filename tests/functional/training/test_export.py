"""A finished run becomes a bundle that computes what the network does."""

import shutil
from itertools import chain
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from model import bundle as bundles
from model.bundle import GALLERY, MODEL, ONNX_GALLERY
from model.cohort import Cohort
from model.engines import ENGINES, FLOAT32, ONNX, TorchScript, fusion
from model.errors import BundleError
from model.known import CAUTIOUS
from model.prefetch import SHARED
from model.settings import cores
from preprocess.files import sha256_of
from training import export as exports
from training import faces, onnx_network
from training import train as training
from training.enrolment import gallery_of
from training.errors import RunError
from training.export import MAX_DIFFERENCE, export
from training.faces import TRAIN
from training.network import VisageNetwork
from training.observer import Observer
from training.recipe import FALSE_ACCEPT_RATE
from training.run import METRICS, NETWORK, SAMPLES, Description


@pytest.fixture(scope="module")
def description(run):
    return Description.read(run)


def test_the_trace_computes_what_the_network_does_for_any_number_of_chips(run, bundle, description):
    network = VisageNetwork(len(description.labels))
    network.load_state_dict(torch.load(run / NETWORK, weights_only=True))
    traced = fusion.load(bundle / bundles.MODEL)
    chips = torch.from_numpy(np.load(run / SAMPLES)["chips"])
    for count in (1, 3):
        with torch.inference_mode():
            expected, found = network.eval()(chips[:count]), traced(chips[:count])
        for one, other in zip(found, expected, strict=True):
            torch.testing.assert_close(one, other, atol=MAX_DIFFERENCE * float(other.abs().max()), rtol=0)


def test_onnx_computes_what_the_training_measured_for_any_number_of_chips(run, bundle):
    engine = ONNX(bundle, cores())
    with np.load(run / SAMPLES) as stored:
        samples = dict(stored)
    for count in (1, 3):
        embeddings, logits = engine.run(samples["chips"][:count])
        np.testing.assert_allclose(embeddings, samples["onnx_embeddings"][:count], atol=1e-5)
        np.testing.assert_allclose(logits, samples["onnx_logits"][:count], atol=1e-4)


@pytest.fixture
def outputs_in_onnx(run, aligned, description, tmp_path):
    """What the end of the training does for the second engine, in a folder of its own."""
    network = VisageNetwork(len(description.labels))
    network.load_state_dict(torch.load(run / NETWORK, weights_only=True))
    tuning = SimpleNamespace(network=network, recipe=description.recipe)
    with np.load(run / SAMPLES) as stored:
        samples = dict(stored)
    return lambda: training._outputs_in_onnx(tmp_path, tuning, faces.read(aligned), samples, Observer())


def test_float32_takes_the_place_of_eight_bits_that_differ_too_much(
    outputs_in_onnx, run, tmp_path, monkeypatch, caplog
):
    monkeypatch.setattr(onnx_network, "MIN_COSINE", 1.1)
    outputs = outputs_in_onnx()
    (record,) = caplog.records
    assert "slower than it could be: the cosine" in record.getMessage()
    assert outputs["onnx_precision"] == FLOAT32
    with np.load(run / SAMPLES) as stored:
        np.testing.assert_array_equal(outputs["onnx_embeddings"], stored["embeddings"])
        embeddings, _ = ONNX(tmp_path, cores()).run(stored["chips"])
        assert (embeddings * stored["embeddings"][: len(embeddings)]).sum(axis=1).min() > 0.99999


def test_the_same_network_has_the_same_content_in_eight_bits(outputs_in_onnx, run, tmp_path):
    outputs_in_onnx()
    assert [sha256_of(tmp_path / name) for name in ONNX.files] == [sha256_of(run / name) for name in ONNX.files]


def test_eight_bits_that_are_not_those_of_the_network_are_not_exported(run, tmp_path, monkeypatch):
    monkeypatch.setattr(exports, "MIN_COSINE", 1.1)
    with pytest.raises(RunError, match="cosine"):
        export(run, tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize(("files", "most"), [(TorchScript.files, 2.5), (ONNX.files, 1.3)])
def test_the_weights_take_two_bytes_each_or_one_in_eight_bits(bundle, files, most):
    parameters = sum(values.numel() for values in VisageNetwork(classes=3).parameters())
    assert sum((bundle / file).stat().st_size for file in files) < most * parameters


def test_the_manifest_tells_what_was_trained(bundle, description):
    manifest = bundles.load(str(bundle)).manifest
    assert manifest.labels == description.labels
    assert manifest.geometry.size == description.recipe.size
    assert manifest.training["fingerprint"] == description.fingerprint
    assert set(manifest.files) == {
        *chain(*(engine.files for engine in ENGINES.values())),
        *SHARED,
        GALLERY,
        ONNX_GALLERY,
    }


@pytest.mark.parametrize("file", [GALLERY, ONNX_GALLERY])
def test_the_gallery_has_everybody_by_the_photos_trained_on(bundle, description, file):
    gallery = gallery_of(bundles.load(str(bundle)), file)
    trained = np.array(description.people)[np.array(description.roles) == TRAIN]
    np.testing.assert_array_equal(gallery.people, trained)
    np.testing.assert_allclose(np.linalg.norm(gallery.embeddings, axis=1), 1, rtol=1e-5)


@pytest.fixture
def written_before(bundle, monkeypatch):
    """Take the networks from the sample people's bundle: they are the same, and to write them takes long."""

    def write(_network, _samples, folder):
        shutil.copyfile(bundle / MODEL, folder / MODEL)
        return 0.0

    monkeypatch.setattr(exports, "_write", write)


@pytest.mark.usefixtures("written_before")
def test_the_threshold_depends_on_the_rate_and_says_what_that_was_measured_on(run, bundle, tmp_path):
    manifest = bundles.load(str(bundle)).manifest
    assert manifest.metrics["false_accept_rate"] == FALSE_ACCEPT_RATE
    assert manifest.calibration["measured_on"] == "LFW"
    laxer = export(run, tmp_path / "laxer", false_accept_rate=0.1).bundle.manifest
    for engine in ENGINES:
        assert laxer.of_engine(engine).threshold < manifest.of_engine(engine).threshold
    assert laxer.metrics["false_accept_rate"] == 0.1


@pytest.mark.usefixtures("written_before")
def test_impostors_of_the_user_determine_the_threshold(run, tmp_path):
    strangers = np.random.default_rng(0).normal(size=(200, 512)).astype(np.float32)
    strangers /= np.linalg.norm(strangers, axis=1, keepdims=True)
    manifest = export(run, tmp_path / "bundle", impostors=strangers).bundle.manifest
    for engine in ENGINES:
        own = manifest.of_engine(engine)
        assert own.threshold == own.calibration["estimates"]["impostors"]
        assert own.calibration["measured_on"] == "impostors"


@pytest.mark.usefixtures("written_before")
def test_without_measured_strangers_the_rate_is_assumed(run, tmp_path):
    manifest = export(run, tmp_path / "bundle", cohort=Cohort.unmeasured()).bundle.manifest
    assert (manifest.threshold, manifest.calibration["measured_on"]) == (CAUTIOUS, None)


def test_a_run_of_an_older_version_is_refused(run, tmp_path):
    older = shutil.copytree(run, tmp_path / "run")
    with np.load(run / SAMPLES) as stored:
        np.savez(older / SAMPLES, **{name: stored[name] for name in stored if name != "logits"})
    with pytest.raises(RunError, match="older version"):
        export(older, tmp_path / "bundle")


def test_an_unfinished_run_is_refused(run, tmp_path):
    unfinished = shutil.copytree(run, tmp_path / "run", ignore=shutil.ignore_patterns(METRICS, "*.pt"))
    with pytest.raises(RunError, match="not finished"):
        export(unfinished, tmp_path / "bundle")


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(RunError, match="visage train"):
        export(tmp_path, tmp_path / "bundle")


def test_a_refused_export_leaves_what_was_there(run, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").touch()
    with pytest.raises(BundleError):
        export(run, tmp_path / "mine", replace_existing=True)
    assert [path.relative_to(tmp_path).as_posix() for path in sorted(tmp_path.rglob("*"))] == [
        "mine",
        "mine/file",
    ]


@pytest.mark.parametrize("name", [NETWORK, SAMPLES, *ONNX.files])
@pytest.mark.parametrize("size", [None, 0, 1000], ids=["missing", "empty", "torn"])
def test_a_damaged_run_is_refused_with_what_to_do(run, tmp_path, name, size):
    damaged = shutil.copytree(run, tmp_path / "run")
    content = (damaged / name).read_bytes()
    (damaged / name).unlink()
    if size is not None:
        (damaged / name).write_bytes(content[:size])
    with pytest.raises(RunError, match="--restart"):
        export(damaged, tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()
