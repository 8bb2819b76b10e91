"""The sections of a configuration that no other package declares: space, tuner, conversion, costs and boards."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Literal

from pydantic import Field

from tinynas.checked import Count, Flag, options
from tinynas.cost import Compiler
from tinynas.deploy import Precision
from tinynas.errors import ConfigError
from tinynas.hil.flashers import RecoveryCommand, check_flasher
from tinynas.hil.power import check_meter
from tinynas.network import TrainingOptions
from tinynas.odometry import AugmentOptions

__all__ = ["Conversion", "Cost", "Deploy", "Fidelity", "Final", "HilOptions", "Training", "TunerOptions"]


@options("tuner")
class TunerOptions:
    """How candidates are suggested.

    Attributes:
        initial_random: Scored candidates spread over the space before the surrogate leads; failed ones do not count.
            None: 3 where their promise is known, else 10.
        promise: Whether what is known of networks before their training leads the search; not to a front.
        only_feasible: Suggest only what fits according to the resource model. Otherwise what does not fit is suggested
            and scored too, but not trained.
    """

    initial_random: Count | None = None
    promise: Flag = True
    only_feasible: Flag = True


@options("training")
class Training(TrainingOptions):
    """How candidates are trained (`network.training.TrainingOptions`), and how their windows are varied.

    Attributes:
        augment: Variation of the training windows.
    """

    augment: AugmentOptions = field(default_factory=AugmentOptions)


@options("conversion")
class Conversion:
    """How networks become models.

    Attributes:
        precision: "int8" or "float32".
        calibration_windows: Training windows that set the ranges of the activations.
    """

    precision: Precision = "int8"
    calibration_windows: Count = 100


@options("deploy")
class Deploy:
    """How the model is used on the board.

    Attributes:
        turns: 1, 2 or 4: the model runs on the window turned into so many directions, and the board averages the
            velocities. Level or north frame and target `velocity` only.
    """

    turns: Literal[1, 2, 4] = 1


@options("fidelity")
class Fidelity:
    """Which trainings go on, and which stop early.

    Asynchronous successive halving over the epochs of a training (Li et al. 2020, "A system for massively parallel
    hyperparameter tuning").

    Attributes:
        rungs: Shares of `training.epochs`, ascending, at which a training pauses. Empty: it goes on to the end.
        keep: Of the trainings that reach a rung one in so many goes on.
        control: Of so many candidates one goes on whatever its rank, so that the search learns how trainings end that
            begin badly; 0: none.
        inherit: Up to its first rung a training begins with the weights of the most similar network that was trained
            from scratch. What goes on from there begins anew, from scratch.

    Raises:
        ConfigError: The shares do not ascend, or lie outside (0, 1).
    """

    rungs: tuple[float, ...] = ()
    keep: Annotated[int, Field(strict=True, ge=2, le=1000)] = 3
    control: Annotated[int, Field(strict=True, ge=0, le=10**6)] = 8
    inherit: Flag = False

    def __post_init__(self) -> None:
        shares = self.rungs
        if any(not 0 < share < 1 for share in shares):
            raise ConfigError("every rung is a share of a training, between 0 and 1", where="fidelity.rungs")
        if list(shares) != sorted(set(shares)):
            raise ConfigError("the rungs do not ascend", where="fidelity.rungs")


@options("final")
class Final:
    """The final training of a search's best candidates.

    Attributes:
        candidates: So many of the best are trained again; 0: none.
        seeds: Times each is trained, with another seed each.
        epochs: Length of these trainings; None: as in the search.
        refit: Train the chosen network once more, on training and validation recordings together, and deploy that.
    """

    candidates: Annotated[int, Field(strict=True, ge=0, le=1000)] = 0
    seeds: Count = 3
    epochs: Count | None = None
    refit: Flag = False


@options("cost")
class Cost:
    """What runs the model on the board, and so decides its cost.

    Attributes:
        engine: The runtime on the board: "tflm", the interpreter, or "aot", the model compiled to C in this project's
            firmware. None means "aot" where candidates are measured (mode "hil") and "tflm" elsewhere. In mode "hil",
            "tflm" is the library in `hil.tflm_root`.
        kernels: Kernel library of "tflm": "cmsis_nn" or "reference".
        compiler: What builds the images of "aot", and whose code sizes are predicted: "gcc" (Arm's GNU toolchain) or
            "zig" (Clang out of the ziglang package). None: the one that is installed, GCC before Clang.
    """

    engine: Literal["tflm", "aot"] | None = None
    kernels: Literal["reference", "cmsis_nn"] = "cmsis_nn"
    compiler: Compiler | None = None


@options("hil")
class HilOptions:
    """How the board is reached in the mode "hil".

    Attributes:
        link: "virtual"; a serial port; or "auto", the port of the board that is attached.
        flasher: How images get into its flash: "drive", "pyocd", "rom", "uf2", "auto"; or "cmd:" and a command of your
            own with `{elf}`, `{bin}` or `{hex}`, and `{port}` and `{probe}`.
        probe: Serial number of the probe, or its beginning, where several boards are attached.
        tflm_root: Only for the engine "tflm": folder of tflite-micro's sources, with its library built for the board's
            core.
        meter: The power meter in the board's supply: "lpm01a:PORT", "lpm01a:PORT@VOLTS", "ina228:PORT" or
            "ina228:/dev/i2c-N". None leaves energy unknown.
        recover: A command that brings a board back which has failed twice in a row, such as one that turns its USB port
            off and on, with `{port}` and `{probe}`; None: it is flashed anew and tested.
        keep: Folder for transcripts of the serial line, one for each measurement. None keeps none.

    Raises:
        ConfigError: There is no such flasher or meter, the command cannot be read, or the board is a virtual one, which
            takes no current.
    """

    link: str = "auto"
    flasher: str = "auto"
    probe: str | None = None
    tflm_root: str | None = None
    meter: str | None = None
    recover: str | None = None
    keep: str | None = None

    def __post_init__(self) -> None:
        check_flasher(self.flasher, "hil.flasher")
        if self.meter is not None:
            check_meter(self.meter, self.link, "hil.meter")
        if self.recover is not None:
            RecoveryCommand.check(self.recover, "hil.recover")
