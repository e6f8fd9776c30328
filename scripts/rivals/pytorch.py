"""PyTorch as an entrant of the comparison; entrant.ts has the protocol. Argument: number of threads (0: default)."""

import base64
import json
import os
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

ACTIVATE = {"identity": lambda z: z, "sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu}

if int(sys.argv[1]):
    torch.set_num_threads(int(sys.argv[1]))
task = json.loads(sys.stdin.readline())
layers, shift, rows = task["layers"], task["shift"], task["batchSize"]


def decode(text, kind):
    return torch.from_numpy(np.frombuffer(base64.b64decode(text), kind).copy())


parameters = {
    name: decode(value["data"], np.float32).reshape(value["shape"]).requires_grad_()
    for name, value in task["parameters"].items()
}
batches = [decode(batch, np.uint8).reshape(rows, -1).float() / 255 for batch in task["batches"]]
optimizer = torch.optim.Adam(parameters.values(), lr=task["learningRate"])


def apply(x, layer):
    weight = parameters[layer["weight"]]
    bias = parameters[layer["bias"]] if layer["bias"] else None
    return ACTIVATE[layer["activation"]](F.linear(x, weight.t() if layer["tied"] else weight, bias))


def squared_error(x):
    target = x - shift if shift else x
    output = target
    for layer in layers:
        output = apply(output, layer)
    return F.mse_loss(output, target, reduction="sum" if task["isSum"] else "mean")


def evidence_bound(x, noise):
    hidden = apply(x, layers[0])
    mean, log_variance = apply(hidden, layers[1]), apply(hidden, layers[2])
    output = mean + torch.exp(0.5 * log_variance) * (torch.randn_like(mean) if noise is None else noise)
    for layer in layers[3:]:
        output = apply(output, layer)
    entropy = F.binary_cross_entropy_with_logits(output, x, reduction="sum")
    return entropy - 0.5 * torch.sum(1 + log_variance - mean.pow(2) - log_variance.exp())


taken = 0


def step(noise=None):
    global taken
    x = batches[taken % len(batches)]
    taken += 1
    optimizer.zero_grad(set_to_none=True)
    loss = evidence_bound(x, noise) if task["isVariational"] else squared_error(x)
    loss.backward()
    optimizer.step()
    return loss


def blas():
    """Name of the loaded BLAS library; Debian's reference BLAS is ten times slower than OpenBLAS."""
    try:
        with open("/proc/self/maps") as maps:
            paths = {os.path.realpath(line.split()[-1]) for line in maps if "blas" in line or "mkl_core" in line}
    except OSError:
        return ""
    names = [os.path.basename(path) for path in paths]
    return "".join(f", {name}" for name in sorted(names, key=lambda name: "open" in name or "mkl" in name)[-1:])


def say(**answer):
    print(json.dumps(answer), flush=True)


noises = [decode(noise, np.float32).reshape(rows, -1) for noise in task["noise"]] or [None] * 20
say(
    name=f"PyTorch {torch.__version__}{blas()}",
    losses=[step(noise).item() for noise in noises],
)
for line in sys.stdin:
    steps = int(line)
    start = time.perf_counter()
    for _ in range(steps):
        loss = step()
    say(milliseconds=1000 * (time.perf_counter() - start) / steps, loss=loss.item())
