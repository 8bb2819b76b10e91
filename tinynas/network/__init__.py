"""Networks: families of them, their layer graphs, and the positions of each layer that count."""

from tinynas.network.architecture import Architecture, Group, NetworkFamily, Part
from tinynas.network.checkpoint import Checkpoint
from tinynas.network.families import (
    CNN,
    NORMS,
    TCN,
    ConvolutionalSearchSpace,
    FamilyChoice,
    MinGRU,
    RecurrentSearchSpace,
    SearchSpace,
    SeparableSearchSpace,
    SeparableTCN,
    Space,
)
from tinynas.network.forward import forward, inference_function
from tinynas.network.influence import seen_samples
from tinynas.network.inheritance import Donor, inherit, share_of_weights
from tinynas.network.keras_form import keras_model
from tinynas.network.layers import (
    Activation,
    Addition,
    Convolution,
    Dense,
    Difference,
    Dropout,
    Input,
    Layer,
    LayerGraph,
    Mean,
    Network,
    Normalisation,
    Product,
    Slice,
    sources,
)
from tinynas.network.needed import Cut, Plan, Step, plan
from tinynas.network.symmetry import tie, turn
from tinynas.network.training import Fit, TrainingOptions, predict, train
from tinynas.network.training_data import TrainingData
from tinynas.network.weights import Weights, fold, initial_weights, perturbed
from tinynas.network.words import describe, describe_short

__all__ = [
    "CNN",
    "NORMS",
    "TCN",
    "Activation",
    "Addition",
    "Architecture",
    "Checkpoint",
    "Convolution",
    "ConvolutionalSearchSpace",
    "Cut",
    "Dense",
    "Difference",
    "Donor",
    "Dropout",
    "FamilyChoice",
    "Fit",
    "Group",
    "Input",
    "Layer",
    "LayerGraph",
    "Mean",
    "MinGRU",
    "Network",
    "NetworkFamily",
    "Normalisation",
    "Part",
    "Plan",
    "Product",
    "RecurrentSearchSpace",
    "SearchSpace",
    "SeparableSearchSpace",
    "SeparableTCN",
    "Slice",
    "Space",
    "Step",
    "TrainingData",
    "TrainingOptions",
    "Weights",
    "describe",
    "describe_short",
    "fold",
    "forward",
    "inference_function",
    "inherit",
    "initial_weights",
    "keras_model",
    "perturbed",
    "plan",
    "predict",
    "seen_samples",
    "share_of_weights",
    "sources",
    "tie",
    "train",
    "turn",
]
