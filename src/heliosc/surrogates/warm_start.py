"""A training that begins with the weights of another one: for more data, further levels or further properties."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from heliosc.errors import InputError
from heliosc.properties import PropertyKey, PropertyTable
from heliosc.surrogates.mpnn.config import MPNNConfig
from heliosc.surrogates.mpnn.network import Network
from heliosc.surrogates.protocol import Split

_SHAPE = ("hidden", "depth", "aggregation", "head_hidden", "head_layers", "use_descriptors")


def check_shape(config: MPNNConfig, start: MPNNConfig) -> None:
    """Refuse to begin with weights of a network of another shape.

    Raises
    ------
    InputError : names what differs
    """
    differing = [
        f"{name} is {getattr(config, name)}, there {getattr(start, name)}"
        for name in _SHAPE
        if getattr(config, name) != getattr(start, name)
    ]
    if differing:
        raise InputError(
            f"the model to start from has another shape: {'; '.join(differing)}. Set surrogate.network to its settings"
        )


def check_unseen(
    table: PropertyTable, parts: Split, *, start_test: PropertyTable, start_split: Mapping[str, Sequence[int]]
) -> None:
    """Refuse to begin with a network that has learnt values of this table's validation or test part.

    Only a start that was trained on the same molecules in the same order can be told; the row numbers of its split are
    known, and the molecules of its test part.

    Raises
    ------
    InputError : it was trained on another split of this table
    """
    n_rows = sum(map(len, start_split.values()))
    same_rows = n_rows == len(table.smiles) and all(
        table.smiles[row] == smiles for row, smiles in zip(start_split["test"], start_test.smiles, strict=True)
    )
    if not same_rows or not set(table.keys) & set(start_test.keys):
        return
    leaked = set(start_split["train"]) & {*parts.validation.tolist(), *parts.test.tolist()}
    if leaked:
        raise InputError(
            f"the model to start from has learnt values of {len(leaked)} molecules that are held out here, e.g. "
            f"{table.smiles[min(leaked)]}: it was trained on another split of the same table. Use its seed and kind of "
            "split, or begin with random weights"
        )


def take_over(
    network: Network, *, keys: tuple[PropertyKey, ...], source: Network, known: tuple[PropertyKey, ...]
) -> None:
    """Copy the trunk of ``source`` into ``network``, and its heads of the keys that both have.

    Heads of other keys stay random. Where nothing but the level of a property differs, the head of the first such key
    is taken: its values are the nearest there is.

    Parameters
    ----------
    keys, known : of ``network`` and of ``source``, of one shape; heads behind these are left alone
    """
    mine, theirs = network.state_dict(), source.state_dict()
    last = next(name for name, value in network.named_parameters() if value is network.predictor.last_layer.weight)
    heads = (last, last.removesuffix("weight") + "bias")
    mine |= {name: value.clone() for name, value in theirs.items() if name not in heads}
    origins = {row: _nearest(key, known) for row, key in enumerate(keys)}
    for name in heads:
        for row, origin in origins.items():
            if origin is not None:
                mine[name][row] = theirs[name][origin]
                mine[name][network.n_keys + row] = theirs[name][source.n_keys + origin]  # of the variance
    network.load_state_dict(mine)


def _nearest(key: PropertyKey, known: tuple[PropertyKey, ...]) -> int | None:
    if key in known:
        return known.index(key)
    same = [row for row, other in enumerate(known) if other.name == key.name]
    return same[0] if same else None
