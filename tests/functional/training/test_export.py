"""A finished run becomes a bundle that computes what the network does."""

import shutil
from itertools import chain

import numpy as np
import pytest
import torch

from model import bundle as bundles
from model.cohort import Cohort
from model.engines import ENGINES, ONNX, fusion
from model.errors import BundleError
from model.prefetch import SHARED
from model.settings import cores
from training import export as exports
from training.calibration import CAUTIOUS
from training.enrolment import gallery_of
from training.errors import RunError
from training.export import MAX_DIFFERENCE, export
from training.faces import TRAIN
from training.network import VisageNetwork
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


def test_onnx_computes_what_the_network_does_for_any_number_of_chips(run, bundle, description):
    network = VisageNetwork(len(description.labels))
    network.load_state_dict(torch.load(run / NETWORK, weights_only=True))
    engine = ONNX(bundle, cores())
    chips = np.load(run / SAMPLES)["chips"]
    for count in (1, 3):
        with torch.inference_mode():
            expected = network.eval()(torch.from_numpy(chips[:count]))
        for one, other in zip(engine.run(chips[:count]), expected, strict=True):
            np.testing.assert_allclose(one, other.numpy(), atol=MAX_DIFFERENCE * float(other.abs().max()), rtol=0)


@pytest.mark.parametrize("files", [engine.files for engine in ENGINES.values()])
def test_the_weights_take_two_bytes_each(bundle, files):
    parameters = sum(values.numel() for values in VisageNetwork(classes=3).parameters())
    assert sum((bundle / file).stat().st_size for file in files) < 2.5 * parameters


def test_the_manifest_tells_what_was_trained(bundle, description):
    manifest = bundles.load(str(bundle)).manifest
    assert manifest.labels == description.labels
    assert manifest.geometry.size == description.recipe.size
    assert manifest.training["fingerprint"] == description.fingerprint
    assert set(manifest.files) == {*chain(*(engine.files for engine in ENGINES.values())), *SHARED}


def test_the_gallery_has_everybody_by_the_photos_trained_on(bundle, description):
    gallery = gallery_of(bundles.load(str(bundle)))
    trained = np.array(description.people)[np.array(description.roles) == TRAIN]
    np.testing.assert_array_equal(gallery.people, trained)
    np.testing.assert_allclose(np.linalg.norm(gallery.embeddings, axis=1), 1, rtol=1e-5)


@pytest.fixture
def written_before(bundle, monkeypatch):
    """Take the networks from the sample people's bundle: they are the same, and to write them takes long."""

    def write(_network, _chips, folder):
        for file in chain(*(engine.files for engine in ENGINES.values())):
            shutil.copyfile(bundle / file, folder / file)
        return 0.0

    monkeypatch.setattr(exports, "_write", write)


@pytest.mark.usefixtures("written_before")
def test_the_threshold_depends_on_the_rate_and_says_what_that_was_measured_on(run, bundle, tmp_path):
    manifest = bundles.load(str(bundle)).manifest
    assert manifest.metrics["false_accept_rate"] == FALSE_ACCEPT_RATE
    assert manifest.calibration["measured_on"] == "LFW"
    laxer = export(run, tmp_path / "laxer", false_accept_rate=0.1).bundle.manifest
    assert laxer.threshold < manifest.threshold
    assert laxer.metrics["false_accept_rate"] == 0.1


@pytest.mark.usefixtures("written_before")
def test_impostors_of_the_user_determine_the_threshold(run, tmp_path):
    strangers = np.random.default_rng(0).normal(size=(200, 512)).astype(np.float32)
    strangers /= np.linalg.norm(strangers, axis=1, keepdims=True)
    manifest = export(run, tmp_path / "bundle", impostors=strangers).bundle.manifest
    assert manifest.threshold == manifest.calibration["estimates"]["impostors"]
    assert manifest.calibration["measured_on"] == "impostors"


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


@pytest.mark.parametrize("name", [NETWORK, SAMPLES])
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
