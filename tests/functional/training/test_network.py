"""The network: a frozen trunk, two heads with the same initial weights, and the layers that fine-tuning changes."""

import zipfile

import pytest
import torch

from training.inception import InceptionResnetV1
from training.network import VisageNetwork, frozen, is_folded, restore_batch_norm, save_frozen

SIZE = 96
"""About the smallest chip that reaches the last block; it keeps these tests short."""


@pytest.fixture(scope="module")
def chips():
    return torch.randint(0, 256, (6, SIZE, SIZE, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def network(weights):
    return VisageNetwork(3, input_size=SIZE).load_pretrained(weights.state)


def test_both_heads_start_as_the_pretrained_network(network, weights, chips):
    whole = InceptionResnetV1()
    whole.load_state_dict(weights.state, strict=False)
    with torch.inference_mode():
        expected = whole.eval()((chips.permute(0, 3, 1, 2) - 127.5) / 128)
        activations = network.eval().activations(chips)
        torch.testing.assert_close(network.embed(activations), expected, atol=1e-5, rtol=0)
        named = torch.nn.functional.normalize(network.naming_head(activations))
        torch.testing.assert_close(named, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("side", [60, 224])
def test_chips_of_any_side_are_seen_at_the_input_size(network, side):
    grey = torch.full((1, SIZE, SIZE, 3), 90, dtype=torch.uint8)
    scaled = torch.full((1, side, side, 3), 90, dtype=torch.uint8)
    with torch.inference_mode():
        torch.testing.assert_close(network.eval().activations(scaled), network.activations(grey), atol=1e-3, rtol=1e-3)


def test_answers_have_the_shapes_that_were_promised(network, chips):
    with torch.inference_mode():
        embeddings, logits = network.eval()(chips)
    assert (embeddings.shape, logits.shape) == ((6, 512), (6, 3))
    torch.testing.assert_close(embeddings.norm(dim=1), torch.ones(6))


def test_only_naming_head_and_classifier_learn(network, chips):
    network.train()
    network.name(network.activations(chips)).sum().backward()
    with_grad = {name.partition(".")[0] for name, p in network.named_parameters() if p.grad is not None}
    assert with_grad == {"naming_head", "classifier"}


def test_frozen_layers_stay_in_evaluation_mode_during_training(network):
    network.train()
    modes = {name: {module.training for module in part.modules()} for name, part in network.named_children()}
    assert modes == {"trunk": {False}, "embedding_head": {False}, "naming_head": {True}, "classifier": {True}}


def test_weights_that_do_not_fit_are_an_error(weights):
    with pytest.raises(RuntimeError, match=r"Missing key"):
        VisageNetwork(2).load_pretrained({name: v for name, v in weights.state.items() if "block8" not in name})


def test_a_classifier_in_the_weights_is_ignored(weights):
    extra = {"logits.weight": torch.zeros(8631, 512), "logits.bias": torch.zeros(8631)}
    trunk = VisageNetwork(2).load_pretrained(weights.state | extra).trunk.state_dict()
    expected = VisageNetwork(2).load_pretrained(weights.state).trunk.state_dict()
    torch.testing.assert_close(trunk, expected, atol=0, rtol=0)


@pytest.fixture
def activations(network, chips):
    with torch.inference_mode():
        return network.eval().activations(chips).clone()


def test_restored_statistics_leave_the_function_as_it_was(network, activations):
    with torch.inference_mode():
        before = network.naming_head(activations)
        restore_batch_norm(network.naming_head, activations)
        after = network.naming_head(activations)
    torch.testing.assert_close(after, before, atol=1e-3, rtol=1e-3)  # float32 through forty layers


def test_restored_statistics_are_those_of_the_activations(network, activations):
    assert is_folded(network.naming_head)
    restore_batch_norm(network.naming_head, activations)
    assert not is_folded(network.naming_head)
    norm = network.naming_head[0].branch0.bn
    with torch.no_grad():
        seen = network.naming_head[0].branch0.conv(activations)
    variance, mean = torch.var_mean(seen, dim=(0, 2, 3))
    torch.testing.assert_close(norm.running_mean, mean, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(norm.running_var, variance, atol=1e-5, rtol=1e-4)


@pytest.fixture
def small(tmp_path):
    """A network that takes no time, a photo for it, and a folder for its files."""
    return torch.nn.Conv2d(3, 4, 3), torch.rand(1, 3, 8, 8), tmp_path


def test_the_same_network_is_the_same_file_and_says_nothing_of_this_machine(small):
    network, photo, folder = small
    files = [folder / name / "model.pt" for name in ("first", "second")]
    for file in files:
        file.parent.mkdir()
        save_frozen(frozen(network, photo), file)
    first, second = (file.read_bytes() for file in files)
    assert first == second
    with zipfile.ZipFile(files[0]) as archive:
        assert not [name for name in archive.namelist() if name.endswith(".debug_pkl")]
    torch.testing.assert_close(torch.jit.load(files[0])(photo), network(photo))


def test_without_private_functions_of_torch_the_network_is_written_all_the_same(small, monkeypatch):
    network, photo, folder = small
    monkeypatch.delattr(torch._C, "PyTorchFileWriter")
    save_frozen(frozen(network, photo), folder / "model.pt")
    torch.testing.assert_close(torch.jit.load(folder / "model.pt")(photo), network(photo))
