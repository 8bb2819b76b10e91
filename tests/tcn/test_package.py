"""What importing the package costs."""

import subprocess
import sys


def test_importing_loads_no_tensorflow():
    program = (
        "import sys, tinynas.tcn, tinynas.tcn.network, tinynas.tcn.reference, tinynas.tcn.space, tinynas.tcn.training\n"
        "sys.exit(any(name in sys.modules for name in ('tensorflow', 'keras')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_public_names_exist():
    import tinynas.tcn

    assert all(hasattr(tinynas.tcn, name) for name in tinynas.tcn.__all__)
