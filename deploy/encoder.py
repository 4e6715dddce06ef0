"""Removes x265 from the zip: 23 MB of a video encoder that libheif is linked with, and that decoding never calls.

libheif names x265 as a library that it needs, and the functions of x265 that it calls to write a HEIC file. patchelf
takes the library from that list, and lets these calls lead to `abort` of the C library instead.
"""

import re
import subprocess
import sysconfig
import tempfile
from pathlib import Path
from typing import Final

ENCODER: Final = "*.libs/libx265-*"
_USER: Final = "libheif-*"

_FUNCTION: Final = re.compile(rb"\0(x265_\w+)(?=\0)")
"""A name of x265's among the names in a library."""

_PATCHELF: Final = Path(sysconfig.get_path("scripts"), "patchelf")


def remove_encoder(libraries: Path) -> None:
    """Remove x265 from a folder of installed packages for Linux; leave it there if patchelf does not work here."""
    for encoder in libraries.glob(ENCODER):
        users = list(encoder.parent.glob(_USER))
        if users and all(_made_independent(user, encoder.name) for user in users):
            encoder.unlink()


def _made_independent(user: Path, encoder: str) -> bool:
    """Change a library so that it loads without the encoder; return whether that succeeded."""
    functions = set(_FUNCTION.findall(user.read_bytes()))
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as renamed:
        renamed.write("".join(f"{name.decode()} abort\n" for name in sorted(functions)))
        renamed.flush()
        command = [str(_PATCHELF), "--rename-dynamic-symbols", renamed.name, "--remove-needed", encoder, str(user)]
        try:
            return subprocess.run(command, capture_output=True, check=False).returncode == 0
        except OSError:
            return False
