"""Names embedding spaces: embeddings can be compared with each other only if they are of the same one."""

import hashlib
import json
from dataclasses import astuple
from typing import Final

from model.errors import BundleError
from model.manifest import Manifest

VGGFACE2: Final = "vggface2"
CASIA_WEBFACE: Final = "casia-webface"

_PUBLISHED: Final = (VGGFACE2, CASIA_WEBFACE)
"""Weights that are the same wherever they have this name: their content is checked when they are loaded. The SHA-256 of
their file depends on the version of torch that wrote it."""


def embedding_space(manifest: Manifest) -> str:
    """Return the name of the space of a bundle's embeddings; it can be the name of a folder.

    It depends on the pretrained weights, on the geometry of the chips and on the size that the network scales them to.
    Training leaves the layers that make embeddings as they are. Weights from a file are named by their digest alone,
    because the file's path may be private.

    Raises:
        BundleError: the manifest does not say how its network was trained.
    """
    try:
        pretrained, input_size = manifest.training["pretrained"], manifest.training["recipe"]["input_size"]
        name, sha256 = str(pretrained["name"]), str(pretrained["sha256"])
    except (KeyError, TypeError) as error:
        raise BundleError("The bundle does not say how it was trained. Export its run again.") from error
    is_published = name in _PUBLISHED
    parts = [name if is_published else sha256, *astuple(manifest.geometry), input_size]
    digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    return f"{name if is_published else 'weights'}-{digest[:12]}"
