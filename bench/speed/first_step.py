"""PyTorch's side of "from process start to the first trained step": LeNet, 256 images, then one line."""

import json
import sys

import torch

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from torch_networks import NETWORKS, loss_of  # noqa: E402

task = json.loads(sys.argv[1])
torch.set_num_threads(task["threads"])
torch.manual_seed(0)
net = NETWORKS["lenet"]()
optimizer = torch.optim.SGD(net.parameters(), lr=0.9)
x = torch.randn(256, 1, 28, 28)
y = torch.arange(256) % 10
optimizer.zero_grad()
loss = loss_of(net(x), y)
loss.backward()
optimizer.step()
print(json.dumps({"loss": loss.item()}))
