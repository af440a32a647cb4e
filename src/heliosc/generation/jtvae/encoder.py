"""The two encoders: of the junction tree and of the molecular graph.

References
----------
Jin, Barzilay, Jaakkola, ICML 2018, arXiv:1802.04364, equations 2-9 (tree GRU).
Yang et al., J. Chem. Inf. Model. 2019, 59, 3370, 10.1021/acs.jcim.9b00237 (directed message passing).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from heliosc.generation.jtvae.arrays import ATOM_FEATURES
from heliosc.generation.jtvae.batch import Batch, Level


def sum_by(values: Tensor, index: Tensor, n: int) -> Tensor:
    """Sum rows that share an index, (n, width), in single precision at least: sums of many lose digits in bfloat16."""
    values = values.float() if values.dtype == torch.bfloat16 else values
    return values.new_zeros(n, values.shape[1]).index_add(0, index, values)


class MessageGRU(nn.Module):
    """m = (1 - u) s + u tanh(W [x; g]) with s the sum of the incoming messages and g their gated sum.

    ``gate`` gives the gated message r * m, so that callers can sum it, or sum and subtract.
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.update = nn.Linear(2 * hidden, hidden)
        self.candidate = nn.Linear(2 * hidden, hidden)
        self.gate_node = nn.Linear(hidden, hidden)
        self.gate_message = nn.Linear(hidden, hidden, bias=False)

    def gate(self, node: Tensor, message: Tensor) -> Tensor:
        """The message as its receiver lets it through, (n, hidden)."""
        return torch.sigmoid(self.gate_node(node) + self.gate_message(message)) * message

    def forward(self, node: Tensor, total: Tensor, gated: Tensor) -> Tensor:
        u = torch.sigmoid(self.update(torch.cat([node, total], 1)))
        return (1 - u) * total + u * torch.tanh(self.candidate(torch.cat([node, gated], 1)))


class TreePasses(nn.Module):
    """One pass from the leaves to the root and one back, a whole level of all trees at a time.

    The message between two nodes depends on all messages into the sender but the receiver's own; downwards that is
    "the sum over all children minus this child".
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.up = MessageGRU(hidden)
        self.down = MessageGRU(hidden)
        self.output = nn.Linear(2 * hidden, hidden)

    def forward(self, x: Tensor, levels: tuple[Level, ...], place: Tensor) -> Tensor:
        """Node representations that have seen the whole tree.

        Parameters
        ----------
        x : (n_nodes, hidden)
        place : (n_nodes,) where each node stands in the levels one after the other
        """
        messages, sums = self._upward(x, levels)
        incoming = x.new_zeros(len(levels[0].nodes), x.shape[1])
        outputs = []
        for depth, level in enumerate(levels):
            node = x[level.nodes]
            outputs.append(torch.relu(self.output(torch.cat([node, sums[depth] + incoming], 1))))
            if depth + 1 < len(levels):
                incoming = self._downward(node, incoming, sums[depth], messages[depth + 1], levels[depth + 1].parents)
        return torch.cat(outputs)[place]

    def _upward(self, x: Tensor, levels: tuple[Level, ...]) -> tuple[list[Tensor], list[Tensor]]:
        """For each level the messages to the parents, and the sums of what came from the children."""
        messages: list[Tensor] = [x] * len(levels)
        sums: list[Tensor] = [x] * len(levels)
        for depth in reversed(range(len(levels))):
            level = levels[depth]
            node = x[level.nodes]
            total = gated = node.new_zeros(node.shape)
            if depth + 1 < len(levels):
                children, parents = messages[depth + 1], levels[depth + 1].parents
                total = sum_by(children, parents, len(node))
                gated = sum_by(self.up.gate(node[parents], children), parents, len(node))
            sums[depth] = total
            message = self.up(node, total, gated)
            messages[depth] = message if level.real is None else message * level.real
        return messages, sums

    def _downward(self, node: Tensor, incoming: Tensor, total: Tensor, children: Tensor, parents: Tensor) -> Tensor:
        """Messages from a level's nodes to their children."""
        gated_children = self.down.gate(node[parents], children)
        gated = sum_by(gated_children, parents, len(node)) + self.down.gate(node, incoming)
        return self.down(node[parents], (total + incoming)[parents] - children, gated[parents] - gated_children)


class TreeEncoder(nn.Module):
    """Junction tree -> (n_molecules, 2 * hidden): the root, and the sum over all nodes."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.passes = TreePasses(hidden)

    def forward(self, x: Tensor, batch: Batch) -> Tensor:
        nodes = self.passes(x, batch.levels, batch.place)
        roots = nodes[batch.levels[0].nodes]
        return torch.cat([roots, sum_by(nodes, batch.molecule["nodes"], batch.n_molecules) / 8], 1)


class GraphEncoder(nn.Module):
    """Molecular graph -> (n_molecules, hidden) by directed message passing."""

    def __init__(self, hidden: int, depth: int) -> None:
        super().__init__()
        self.depth = depth
        self.atoms = nn.ModuleDict({name: nn.Embedding(size, hidden) for name, size in ATOM_FEATURES.items()})
        self.bonds = nn.Embedding(9, hidden)
        self.message = nn.Linear(hidden, hidden)
        self.output = nn.Linear(2 * hidden, hidden)

    def forward(self, batch: Batch) -> Tensor:
        atoms = torch.stack([self.atoms[name](batch[name]) for name in ATOM_FEATURES]).sum(0)
        source, target = batch["source"], batch["target"]
        first = atoms[source] + self.bonds(batch["bond"])
        messages = torch.relu(first)
        for _ in range(self.depth - 1):
            into = sum_by(messages, target, len(atoms))
            reverse = messages.view(-1, 2, messages.shape[1]).flip(1).reshape(messages.shape)
            messages = torch.relu(first + self.message(into[source] - reverse))
        nodes = torch.relu(self.output(torch.cat([atoms, sum_by(messages, target, len(atoms))], 1)))
        return sum_by(nodes, batch.molecule["atoms"], batch.n_molecules) / 16
