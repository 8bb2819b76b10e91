"""What importing the package costs."""

import subprocess
import sys


def test_importing_loads_no_tensorflow():
    program = (
        "import sys, tinynas.network.forward, tinynas.network.reference, tinynas.network.training\n"
        "import tinynas.network.families.tcn_space\n"
        "sys.exit(any(name in sys.modules for name in ('tensorflow', 'keras')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_public_names_exist():
    import tinynas.network

    assert all(hasattr(tinynas.network, name) for name in tinynas.network.__all__)
