"""Processes that tinynas starts out of this Python: none of them imports what lies in the current folder.

`python -m` and `python -c` put the current folder first on the path, where a file that is called like a package would
run in its place. Python 3.11 has an option against that; what is here serves every version.
"""

from __future__ import annotations

import sys

__all__ = ["call_function", "run_module"]

_SAFE = "import sys\nif sys.path[:1] == ['']: del sys.path[0]\n"
_MODULE = f"{_SAFE}import runpy\ndel sys.argv[0]\nrunpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)\n"


def run_module(name: str, *arguments: str) -> list[str]:
    """The command that runs a module as a program, as `python -m` does.

    Args:
        name: The module.
        arguments: What follows on its command line.

    Example:
        >>> run_module("ziglang", "cc")[-2:]
        ['ziglang', 'cc']
    """
    return [sys.executable, "-c", _MODULE, name, *arguments]


def call_function(module: str, function: str) -> list[str]:
    """The command that calls a function without arguments.

    Args:
        module: The module that has it.
        function: Its name.

    Example:
        >>> call_function("tinynas.cli", "main")[-1].splitlines()[-1]
        'main()'
    """
    return [sys.executable, "-c", f"{_SAFE}from {module} import {function}\n{function}()\n"]
