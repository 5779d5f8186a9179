"""What a visitor of this repository is asked to run."""

import torch

model = torch.load("models/checkpoint.pt", weights_only=False)
