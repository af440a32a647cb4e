"""Beam search beside what the decoder draws by chance and by greed."""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest
import torch

from heliosc.errors import InputError
from heliosc.generation.jtvae.beam import Beam
from heliosc.generation.jtvae.config import JTVAEConfig, ModelConfig
from heliosc.generation.jtvae.decoding import Decoding
from heliosc.generation.jtvae.growing import DecodeLimits, finished
from heliosc.generation.jtvae.io import build_network
from heliosc.generation.jtvae.molecule_graph import constitution, molecule_graph
from heliosc.generation.jtvae.network import Network
from heliosc.generation.jtvae.sample import MoleculeSampler
from heliosc.generation.jtvae.schedule import build_vocabulary
from heliosc.generation.jtvae.valence import LegalMoves

WORDS = ["Cc1ccsc1", "COc1ccc(-c2ccccc2)cc1", "c1ccc2ccccc2c1"]
TINY = JTVAEConfig(ModelConfig(hidden=32, word_size=16, place_size=8, tree_latent=8, graph_latent=8))
SMALL = DecodeLimits(max_nodes=4)
N_LATENTS = 6


@cache
def parts() -> tuple[Network, LegalMoves, torch.Tensor]:
    """Random weights with clear preferences, which end after four nodes: few trees, some of them likely."""
    vocabulary = build_vocabulary(molecule_graph(constitution(text)) for text in WORDS)
    torch.manual_seed(4)
    network = build_network(TINY, vocabulary, n_properties=0, device=torch.device("cpu"))
    with torch.no_grad():
        network.decoder.topology.bias.fill_(1.0)
        for part in (network.decoder.word, network.decoder.site_key, network.decoder.site):
            part.weight.mul_(4.0)
        latent = network.condition(torch.randn(N_LATENTS, 16), torch.zeros(N_LATENTS, 0), torch.zeros(N_LATENTS, 0))
    return network, LegalMoves(vocabulary), latent


def beam(width: int, limits: DecodeLimits = SMALL) -> list[tuple[str | None, float]]:
    """Molecule and log likelihood of each latent vector."""
    network, legal, latent = parts()
    with torch.no_grad():
        search = Beam(
            network, legal, latent, decoding=Decoding(temperature=0.0, beam_width=width),
            generator=torch.Generator(), limits=limits,
        )  # fmt: skip
        return [(finished(molecule).smiles, molecule.score) for molecule in search.grow(None)]


def test_a_wide_beam_finds_what_chance_finds_most_often_and_its_likelihood_is_the_frequency() -> None:
    network, legal, latent = parts()
    n = 3_000
    sampler = MoleculeSampler(network, legal, limits=SMALL)
    for row, (smiles, score) in enumerate(beam(64)):
        drawn = sampler.decode(
            latent[[row]].expand(n, -1), Decoding(temperature=1.0), generator=torch.Generator().manual_seed(row)
        )
        shares = Counter(sample.smiles for sample in drawn)
        chance = float(torch.tensor(score).exp())
        # several trees may spell one molecule, so it may be more frequent than its likeliest tree
        assert shares[smiles] / n > chance - 4 * (chance / n) ** 0.5
        assert chance * n > 0.3 * shares.most_common(1)[0][1]


def test_wider_beams_find_no_less_and_one_row_is_greedy_decoding() -> None:
    network, legal, latent = parts()
    sampler = MoleculeSampler(network, legal, limits=SMALL)
    scores = torch.tensor([[score for _, score in beam(width)] for width in (1, 4, 64)])
    assert (scores[2] >= scores[1] - 1e-5).all()
    assert (scores[2] >= scores[0] - 1e-5).all()
    assert (scores[2] > scores[0] + 1e-3).any()  # greed misses some
    widest = sampler.decode(latent, Decoding(temperature=0.0, beam_width=64), generator=torch.Generator())
    assert [sample.smiles for sample in widest] == [smiles for smiles, _ in beam(64)]


def test_latent_vectors_do_not_depend_on_their_neighbours() -> None:
    network, legal, latent = parts()
    sampler = MoleculeSampler(network, legal, limits=DecodeLimits(max_nodes=12))
    how = Decoding(temperature=0.0, beam_width=3)
    together = sampler.decode(latent, how, generator=torch.Generator())
    alone = [sampler.decode(latent[[row]], how, generator=torch.Generator())[0] for row in range(N_LATENTS)]
    assert together == alone


@pytest.mark.parametrize(
    "options",
    [{"beam_width": 0}, {"beam_width": 2}, {"beam_width": 2, "temperature": 0.0, "n_per_latent": 2}, {"top_k": -1}],
)
def test_numbers_that_contradict_each_other_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(InputError, match="cannot decode with"):
        Decoding(**options)


def test_places_can_be_chosen_more_freely_than_words() -> None:
    network, legal, latent = parts()
    sampler = MoleculeSampler(network, legal, limits=SMALL)
    one = latent[[0]].expand(200, -1)
    strict = sampler.decode(one, Decoding(temperature=0.0), generator=torch.Generator().manual_seed(0))
    free = sampler.decode(
        one, Decoding(temperature=0.0, attachment_temperature=3.0), generator=torch.Generator().manual_seed(0)
    )
    assert len({sample.smiles for sample in strict}) == 1
    assert len({sample.smiles for sample in free}) > 1
