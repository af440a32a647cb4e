"""chemprop's own files in, our members out, and nothing in a file ever runs."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from heliosc.errors import InputError
from heliosc.properties import PropertyKey, PropertyTable
from heliosc.surrogates.chemprop_format.checkpoint import ALLOWED, read_checkpoint
from heliosc.surrogates.chemprop_format.exporting import descriptor_table, export_chemprop
from heliosc.surrogates.chemprop_format.importing import import_chemprop, read_chemprop
from heliosc.surrogates.ensemble import SurrogateEnsemble

GAP = PropertyKey("homo_lumo_gap", "gfn2")
LAMBDA = PropertyKey("lambda_hole", "gfn2")
TARGETS = {"gap": GAP, "reorg": LAMBDA}


def chemprop_model(*, seed=0, hidden=24, **changes):
    """A small chemprop model of random weights with an unscale transform."""
    from chemprop import models, nn
    from chemprop.nn.transforms import UnscaleTransform

    torch.manual_seed(seed)
    readout = changes.pop("readout", nn.RegressionFFN)(
        n_tasks=2,
        input_dim=hidden + changes.pop("n_extra", 0),
        hidden_dim=16,
        n_layers=changes.pop("n_layers", 1),
        dropout=0.1,
        activation=changes.pop("activation", "relu"),
        output_transform=UnscaleTransform([3.0, 0.2], [1.5, 0.1]),
    )
    passing = changes.pop("passing", nn.BondMessagePassing)(d_h=hidden, depth=changes.pop("depth", 3))
    return models.MPNN(passing, changes.pop("agg", nn.MeanAggregation()), readout, **changes).eval()


def saved(model, file: Path) -> Path:
    from chemprop.models import save_model

    save_model(file, model, ["gap", "reorg"])
    return file


def chemprop_predictions(model, smiles, descriptors=None) -> np.ndarray:
    from chemprop.data import BatchMolGraph
    from chemprop.featurizers import SimpleMoleculeMolGraphFeaturizer
    from rdkit import Chem

    featurizer = SimpleMoleculeMolGraphFeaturizer()
    graphs = BatchMolGraph([featurizer(Chem.MolFromSmiles(text)) for text in smiles])
    extra = None if descriptors is None else torch.from_numpy(descriptors).float()
    with torch.no_grad():
        predictions = model(graphs, X_d=extra).numpy()
    return predictions[..., 0] if predictions.ndim == 3 else predictions


@pytest.fixture(scope="module")
def held_out(make_library, make_values) -> PropertyTable:
    smiles = make_library(60)
    return PropertyTable(smiles, (LAMBDA, GAP), make_values(smiles)[:, ::-1].copy())  # columns in another order


def _norm():
    from chemprop.nn import NormAggregation

    return NormAggregation(norm=40.0)


def _sum():
    from chemprop.nn import SumAggregation

    return SumAggregation()


def _mve():
    from chemprop.nn import MveFFN

    return MveFFN


@pytest.mark.parametrize(
    "changes",
    [
        lambda: {},
        lambda: {"agg": _norm(), "activation": torch.nn.ReLU()},  # as chemprop's command line writes it
        lambda: {"agg": _sum(), "n_layers": 2, "depth": 5},
        lambda: {"readout": _mve(), "depth": 1},
    ],
    ids=["mean", "norm", "sum, two layers", "mean-variance"],
)
def test_imported_models_predict_what_chemprop_predicts(tmp_path, held_out, changes):
    models = [chemprop_model(seed=seed, **changes()) for seed in (1, 2)]
    files = [saved(model, tmp_path / f"{i}.pt") for i, model in enumerate(models)]
    ensemble = import_chemprop(files, targets=TARGETS, held_out=held_out)
    assert ensemble.keys == (GAP, LAMBDA)
    members = ensemble.predict(held_out.smiles).members
    for member, model in zip(members, models, strict=True):
        np.testing.assert_allclose(member, chemprop_predictions(model, held_out.smiles), atol=1e-5)
    assert len(ensemble.held_out.validation.smiles) == len(ensemble.held_out.test.smiles) == 30
    again = SurrogateEnsemble.load(ensemble.save(tmp_path / "model"), device="cpu")
    np.testing.assert_array_equal(again.predict(held_out.smiles).members, members)


def test_variances_of_mean_variance_heads_come_along(tmp_path, held_out):
    model = chemprop_model(readout=_mve())
    ensemble = import_chemprop([saved(model, tmp_path / "m.pt")], targets=TARGETS, held_out=held_out)
    raw = ensemble._predict_raw(held_out.smiles, batch_size=7)
    from chemprop.data import BatchMolGraph
    from chemprop.featurizers import SimpleMoleculeMolGraphFeaturizer
    from rdkit import Chem

    graphs = [SimpleMoleculeMolGraphFeaturizer()(Chem.MolFromSmiles(text)) for text in held_out.smiles]
    with torch.no_grad():
        expected = model(BatchMolGraph(graphs)).numpy()[..., 1]
    np.testing.assert_allclose(raw.aleatoric, expected, atol=1e-5)


def test_plain_readout_claims_no_variance_of_its_own(tmp_path, held_out):
    ensemble = import_chemprop([saved(chemprop_model(), tmp_path / "m.pt")], targets=TARGETS, held_out=held_out)
    raw = ensemble._predict_raw(held_out.smiles[:5], batch_size=5)
    assert (raw.aleatoric == 0).all()
    assert (ensemble.predict(held_out.smiles[:5]).std > 0).all()  # from the calibration


def test_lightning_checkpoints_are_read_and_name_no_columns(tmp_path, held_out):
    from lightning import pytorch as pl
    from lightning.pytorch.plugins.environments import LightningEnvironment

    model = chemprop_model()
    trainer = pl.Trainer(
        logger=False,
        enable_checkpointing=False,
        accelerator="cpu",
        plugins=[LightningEnvironment()],  # not the machine's scheduler
        default_root_dir=tmp_path,
    )
    trainer.strategy.connect(model)
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    assert read_chemprop(tmp_path / "last.ckpt").columns == ("0", "1")
    ensemble = import_chemprop([tmp_path / "last.ckpt"], targets={"0": GAP, "1": LAMBDA}, held_out=held_out)
    expected = chemprop_predictions(model, held_out.smiles)
    np.testing.assert_allclose(ensemble.predict(held_out.smiles).mean, expected, atol=1e-5)


@pytest.mark.parametrize("use_descriptors", [True, False])
def test_exported_members_are_loaded_by_chemprop_with_equal_predictions(
    tmp_path, table, split, small_config, use_descriptors
):
    from dataclasses import replace

    from chemprop.models import load_model
    from chemprop.models.utils import load_output_columns

    config = replace(small_config, epochs=2, mean_epochs=1, use_descriptors=use_descriptors)
    ensemble = SurrogateEnsemble.train(table, split=split, config=config, seed=1)
    files = export_chemprop(ensemble, tmp_path)
    assert [file.name for file in files] == ["member_0.pt", "member_1.pt"]
    descriptors = descriptor_table(ensemble, table.smiles) if use_descriptors else None
    for file, expected in zip(files, ensemble.predict(table.smiles).members, strict=True):
        model = load_model(file).eval()
        np.testing.assert_allclose(chemprop_predictions(model, table.smiles, descriptors), expected, atol=1e-5)
        assert load_output_columns(file) == [str(key) for key in table.keys]


def test_imported_then_exported_is_the_same_chemprop_model(tmp_path, held_out):
    from chemprop.models import load_model

    model = chemprop_model(agg=_norm())
    ensemble = import_chemprop([saved(model, tmp_path / "m.pt")], targets=TARGETS, held_out=held_out)
    (file,) = export_chemprop(ensemble, tmp_path / "out")
    np.testing.assert_allclose(
        chemprop_predictions(load_model(file).eval(), held_out.smiles),
        chemprop_predictions(model, held_out.smiles),
        atol=1e-5,
    )
    assert read_chemprop(file).columns == (str(GAP), str(LAMBDA))


class _Bomb:
    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


@pytest.mark.parametrize("place", ["top", "inside"])
def test_a_malicious_pickle_is_refused_and_does_not_run(tmp_path, place):
    mark, file = tmp_path / "executed", tmp_path / "evil.pt"
    bomb = _Bomb(f"touch {mark}")
    torch.save(bomb if place == "top" else {"hyper_parameters": {"agg": bomb}, "state_dict": {}}, file)
    with pytest.raises(InputError, match=r"system.*nothing in it was executed"):
        read_checkpoint(file)
    assert not mark.exists()
    torch.load(file, weights_only=False)  # the bomb is real
    assert mark.exists()


def test_nothing_of_chemprop_runs_while_reading(tmp_path, monkeypatch):
    from chemprop.nn import MeanAggregation

    file = saved(chemprop_model(), tmp_path / "m.pt")
    monkeypatch.setattr(MeanAggregation, "__new__", lambda *_: pytest.fail("chemprop's class was made"))
    settings = read_checkpoint(file).settings
    assert settings["agg"]["cls"] is ALLOWED["chemprop.nn.agg.MeanAggregation"]


def _attentive():
    from chemprop.nn import AttentiveAggregation

    return {"agg": AttentiveAggregation(output_size=24)}


def _atoms():
    from chemprop.nn import AtomMessagePassing

    return {"passing": AtomMessagePassing}


def _evidential():
    from chemprop.nn import EvidentialFFN

    return {"readout": EvidentialFFN}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (_attentive, r"names chemprop\.nn\.agg\.AttentiveAggregation"),
        (_atoms, "AtomMessagePassing"),
        (_evidential, "EvidentialFFN"),
        (lambda: {"batch_norm": True}, "batch normalisation"),
        (lambda: {"n_extra": 3}, "extra molecule descriptors"),
        (lambda: {"activation": "tanh"}, "other than ReLU"),
        (lambda: {"depth": 10**9}, "depth 1000000000"),
    ],
    ids=["attentive", "atoms", "evidential", "batch norm", "descriptors", "tanh", "depth"],
)
def test_other_architectures_are_refused_with_the_reason(tmp_path, changes, reason):
    file = saved(chemprop_model(**changes()), tmp_path / "m.pt")
    with pytest.raises(InputError, match=reason):
        read_chemprop(file)


def test_files_that_are_no_checkpoints_are_refused(tmp_path):
    with pytest.raises(InputError, match="there is no file"):
        read_chemprop(tmp_path / "absent.pt")
    (tmp_path / "text.pt").write_text("smiles\nC\n")
    with pytest.raises(InputError, match=r"text\.pt"):
        read_chemprop(tmp_path / "text.pt")
    torch.save({"weights": torch.ones(2)}, tmp_path / "other.pt")
    with pytest.raises(InputError, match="no hyper_parameters"):
        read_chemprop(tmp_path / "other.pt")
    whole = saved(chemprop_model(), tmp_path / "m.pt").read_bytes()
    (tmp_path / "half.pt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"half\.pt"):
        read_chemprop(tmp_path / "half.pt")


def test_damaged_files_are_refused_or_read_and_never_fail_otherwise(tmp_path):
    whole = saved(chemprop_model(hidden=8), tmp_path / "m.pt").read_bytes()
    rng = np.random.default_rng(0)
    messages = []
    for number in range(150):
        damaged = bytearray(whole)
        for place in rng.integers(0, len(whole), 3 if number % 2 else 40):
            damaged[place] = rng.integers(0, 256)
        file = tmp_path / "damaged.pt"
        file.write_bytes(damaged)
        try:
            read_chemprop(file)
        except InputError as error:
            messages.append(str(error))
    assert len(messages) > 50
    assert all("damaged.pt" in message for message in messages)


def test_settings_that_lie_about_the_weights_are_refused(tmp_path):
    file = saved(chemprop_model(), tmp_path / "m.pt")
    document = torch.load(file, weights_only=False)
    document["hyper_parameters"]["message_passing"]["d_h"] = 10**6
    document["hyper_parameters"]["predictor"]["input_dim"] = 10**6
    torch.save(document, file)
    with pytest.raises(InputError, match="differ from its settings"):
        read_chemprop(file)


@pytest.mark.parametrize(
    ("targets", "reason"),
    [
        ({"gap": GAP}, "say what reorg is"),
        ({**TARGETS, "homo": GAP}, "no column homo"),
        ({"gap": GAP, "reorg": GAP}, "declared as the same"),
    ],
)
def test_every_task_needs_its_own_target(tmp_path, held_out, targets, reason):
    file = saved(chemprop_model(), tmp_path / "m.pt")
    with pytest.raises(InputError, match=reason):
        import_chemprop([file], targets=targets, held_out=held_out)


def test_unlike_members_and_too_few_molecules_are_refused(tmp_path, held_out):
    first, other = saved(chemprop_model(), tmp_path / "a.pt"), saved(chemprop_model(hidden=32), tmp_path / "b.pt")
    with pytest.raises(InputError, match="differ in architecture"):
        import_chemprop([first, other], targets=TARGETS, held_out=held_out)
    with pytest.raises(InputError, match="not trained on"):
        import_chemprop([first], targets=TARGETS, held_out=held_out.rows(range(20)))
