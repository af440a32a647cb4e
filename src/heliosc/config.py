"""One typed configuration: YAML files and ``dotted.key=value`` overrides in, a validated ``Config`` out.

Every file in ``configs/`` is a part of the same schema; what a file leaves out keeps its default.
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, ValidationError, field_validator, model_validator

from heliosc.devices import DEVICE_PATTERN
from heliosc.environment import OWN_PROPERTIES
from heliosc.errors import InputError, UsageError
from heliosc.execution.parsl.settings import ParslSettings
from heliosc.execution.slurm.settings import SlurmSettings
from heliosc.tracking.settings import TrackingSettings

_ELEMENTS = [
    "H",
    "B",
    "C",
    "N",
    "O",
    "F",
    "Si",
    "P",
    "S",
    "Cl",
    "Ge",
    "As",
    "Se",
    "Br",
    "Te",
    "I",
]  # those that an organic semiconductor may hold


class Section(BaseModel):
    """A part of the configuration; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ComputeSettings(Section):
    """Where and how tensors are computed. AMP and compile only matter for training."""

    device: str = Field("auto", pattern=DEVICE_PATTERN, description="auto, cpu, cuda, cuda:N, rocm or rocm:N")
    devices: int = Field(1, ge=1, description="GPUs that share a training")
    amp: bool = Field(False, description="mixed precision in training")
    compile: bool = Field(False, description="torch.compile in training; pays on a GPU and for long trainings")
    compile_mode: Literal["default", "reduce-overhead", "max-autotune"] = "default"


class SurrogateSettings(Section):
    """The MPNN ensemble."""

    compute: ComputeSettings = ComputeSettings()
    weights: Path | None = Field(None, description="model folder; none = the shipped weights")
    data: Path | None = Field(None, description="CSV to train on; none = the embedded library")
    target_columns: tuple[str, ...] = Field((), description="NAME@LEVEL columns to learn; none = all of the file")
    target_weights: dict[str, PositiveFloat] = Field(
        {}, description="NAME@LEVEL -> how much it counts in the loss; what is left out counts 1"
    )
    delta_level: str | None = Field(
        None, description="cheap level whose columns are no targets: a second network learns what they get wrong"
    )
    baselines: tuple[Literal["forest", "boosting", "minimol", "auto"], ...] = Field(
        ("forest",), description="plain models beside the network in every table; auto = the best mixture of all"
    )
    out: Path = Path("models/surrogate")
    n_members: int = Field(5, ge=1, le=50)
    epochs: int = Field(60, ge=1)
    fine_tune_epochs: int = Field(6, ge=0, description="epochs after each round; 0 keeps the model as it is")
    refit_every: int = Field(
        0, ge=0, description="rounds between trainings from random weights; 0 = each round goes on from the last"
    )
    start_from: Path | None = Field(None, description="model folder whose weights the training begins with")
    network: dict[str, bool | int | float | str] = Field(
        {}, description="further settings of the network by name: hidden, depth, dropout, learning_rate, patience, ..."
    )


class PolicyGradientSettings(Section):
    """Policy-gradient fine-tuning of the JT-VAE in a campaign; needs no calculation, the surrogate judges."""

    steps: int = Field(20, ge=0, description="batches of molecules made and learnt from, for each role in turn")
    batch_size: int = Field(32, ge=2, description="molecules of a step")
    learning_rate: PositiveFloat = 1e-3
    prior_weight: float = Field(0.01, ge=0, description="reward that a nat away from the decoder before costs")


class GeneratorSettings(Section):
    """The JT-VAE."""

    compute: ComputeSettings = ComputeSettings()
    weights: Path | None = Field(None, description="model folder; none = the shipped weights")
    data: Path | None = Field(None, description="CSV to train on; none = the embedded library")
    out: Path = Path("models/generator")
    epochs: int = Field(48, ge=1)
    property_weights: dict[str, PositiveFloat] = Field(
        {}, description="NAME@LEVEL -> how much its head counts in the loss; what is left out counts 1"
    )
    free_bits: float = Field(0.0, ge=0, description="nats of each latent dimension that the KL term does not count")
    practice: float = Field(
        0.0, ge=0, description="molecules bred for each training molecule, only to be encoded and decoded; small tables"
    )
    network: dict[str, bool | int | float] = Field(
        {},
        description="further settings by name: hidden, tree_latent, graph_latent, beta, learning_rate, ...",
    )
    refresh_every: int = Field(1, ge=1, description="rounds between weighted retrainings in a campaign")
    fine_tune_epochs: int = Field(2, ge=0, description="epochs of each weighted retraining; 0 keeps the model")
    fine_tune_learning_rate: PositiveFloat = 3e-4
    rank_constant: PositiveFloat = Field(
        0.1, description="k of the weights 1 / (k n + rank): small = the best molecules alone"
    )
    fine_tuning: Literal["weighted", "policy_gradient"] = Field(
        "weighted", description="how a campaign refreshes it: weighted retraining, or policy_gradient"
    )
    policy_gradient: PolicyGradientSettings = PolicyGradientSettings()
    n_samples: int = Field(600, ge=1, description="proposals a role and round")
    sources: dict[Literal["jtvae", "genetic", "pool"], PositiveFloat] = Field(
        {"jtvae": 1.0}, min_length=1, description="where proposals come from -> share of n_samples"
    )
    pool: Path | None = Field(
        None, description="molecules of the source pool; none = those of the embedded library without known values"
    )
    neighbour_share: float = Field(0.5, ge=0, le=1, description="share proposed near the best known molecules")
    temperature: float = Field(1.0, ge=0, description="how freely words are chosen; 0 takes the likeliest")
    attachment_temperature: float | None = Field(
        None, ge=0, description="how freely the places of words are chosen; none = as freely as words"
    )
    top_k: int = Field(0, ge=0, description="choose words and places among so many of the likeliest; 0 = all")
    samples_per_latent: int = Field(1, ge=1, description="molecules decoded from each latent vector")
    beam_width: int = Field(
        1, ge=1, le=64, description="partial molecules of a latent vector followed side by side; wants temperature 0"
    )

    @model_validator(mode="after")
    def _a_beam_leaves_nothing_to_chance(self) -> GeneratorSettings:
        chances = (self.temperature, self.attachment_temperature or 0.0, self.samples_per_latent - 1)
        if self.beam_width > 1 and any(chances):
            raise ValueError(
                f"beam_width is {self.beam_width}, which finds the one likeliest molecule; expected temperature 0, no "
                "attachment_temperature and samples_per_latent 1"
            )
        return self


class ResourceSettings(Section):
    """What calculations may take of this machine; every program's own directives are written from it."""

    max_workers: int = Field(0, ge=0, description="calculations at once; 0 = as many as fit")
    cores_per_task: int = Field(1, ge=1, description="cores of one calculation")
    memory_gb: float = Field(2.0, ge=0.5, description="memory of one calculation")
    allow_oversubscription: bool = Field(False, description="let workers times cores exceed the machine")


class CondensedSettings(Section):
    """Of the workflows stacking, cluster, polymer and density; none = the workflow's own number."""

    n_molecules: int | None = Field(None, ge=2, le=10_000, description="cluster: none = 6; density: none = 26 A cube")
    time_ps: float | None = Field(None, gt=0, description="simulated time; cluster: none = 10; density: none = 200")
    temperature_K: float | None = Field(None, gt=0, description="cluster: none = 300; density is at 298.15")
    longest_oligomer: int | None = Field(None, ge=3, le=20, description="polymer: repeat units; none = 4")
    seed: int = Field(0, ge=0, description="of conformers, placement and velocities")


class QCSettings(Section):
    """Quantum chemistry. ``max_workers`` may stand here too; it is the one of ``resources``."""

    molecules: Path | None = Field(None, description="what `qc run` computes when no file is named")
    workflow: Literal["four-point", "stacking", "cluster", "polymer", "density"] = Field(
        "four-point", description="what `label` and `qc run` compute"
    )
    condensed: CondensedSettings = CondensedSettings()
    level: str = Field("gfn2", description="gfn2, ipea-gfn2, dft-fast, dft, or A//B; of `label` and `qc run`")
    program: Literal["auto", "tblite", "xtb", "pyscf", "psi4", "orca", "gaussian"] = "auto"
    response: tuple[Literal["excitations", "polarizability", "harmonic"], ...] = ("excitations", "polarizability")
    keywords: tuple[str, ...] = Field((), description="further words for the program's input")
    fallback: Literal["none", "gfn2"] = Field(
        "none", description="what stands in, marked, when a program cannot answer"
    )
    engine: str = Field("auto", description="who optimises with GFN2-xTB: auto, tblite or xtb")
    resources: ResourceSettings = ResourceSettings()
    timeout_s: float | None = Field(None, gt=0, description="limit for one molecule; none = by the level")
    n_conformers: int = Field(4, ge=1, le=50)
    n_optimized: int = Field(1, ge=1, le=50, description="conformers optimised before one is chosen")

    @property
    def max_workers(self) -> int:
        return self.resources.max_workers

    @model_validator(mode="before")
    @classmethod
    def _max_workers_is_a_resource(cls, settings: Any) -> Any:
        if not isinstance(settings, dict) or "max_workers" not in settings:
            return settings
        settings = dict(settings)
        n_workers, resources = settings.pop("max_workers"), settings.get("resources", {})
        if not isinstance(resources, dict) or "max_workers" in resources:
            raise ValueError("max_workers is given twice, in qc and in qc.resources")
        return {**settings, "resources": {**resources, "max_workers": n_workers}}


class SelectionSettings(Section):
    """What is asked for and how the batch is chosen."""

    roles: tuple[str, ...] = Field(("p_dopable", "n_dopable"), min_length=1)
    role_file: Path | None = Field(None, description="your own roles; none = the shipped ones")
    acquisition: str = "pareto_ucb"
    beta: float = Field(1.5, ge=0, description="weight of the uncertainty in UCB")
    cost_aware: bool = Field(False, description="divide scores by the expected time; choices follow measured times")
    max_similarity: float = Field(0.7, gt=0, le=1, description="largest Tanimoto similarity within a batch")
    max_similarity_to_known: float = Field(
        0.9, gt=0, le=1, description="largest Tanimoto similarity to known molecules"
    )
    max_per_scaffold: int = Field(2, ge=1, description="largest number in a batch with the same Murcko scaffold")
    max_per_fragment: int | None = Field(
        None, ge=1, description="largest number in a batch with the same system of fused rings; none = no limit"
    )
    diversity: float = Field(
        0.2, ge=0, le=1, description="0 follows the ranking, 1 takes what is least like the batch (max-min)"
    )
    elements: tuple[str, ...] = ("H", "B", "C", "N", "O", "F", "Si", "P", "S", "Cl", "Se", "Br")
    min_heavy_atoms: int = Field(10, ge=1)
    max_heavy_atoms: int = Field(45, le=200)
    max_sa_score_core: float = Field(6.0, gt=0)
    min_log_p: float | None = Field(None, description="smallest log P (Crippen) of the whole molecule; none = no limit")
    max_log_p: float | None = Field(None, description="largest log P; none = no limit")
    solvents: tuple[str, ...] = Field(
        (), description="processing solvents by name or SMILES, e.g. [chloroform, o-xylene]"
    )
    max_solubility_distance: float | None = Field(
        None, gt=0, description="largest Hansen distance to the nearest of the solvents, MPa^0.5; none = no limit"
    )

    @model_validator(mode="after")
    def _solvents_go_with_a_distance(self) -> SelectionSettings:
        if bool(self.solvents) != (self.max_solubility_distance is not None):
            raise ValueError("solvents and max_solubility_distance go together; give both or neither")
        return self

    @model_validator(mode="after")
    def _log_p_leaves_room(self) -> SelectionSettings:
        if self.min_log_p is not None and self.max_log_p is not None and self.min_log_p > self.max_log_p:
            raise ValueError(f"min_log_p {self.min_log_p:g} exceeds max_log_p {self.max_log_p:g}")
        return self

    @field_validator("roles")
    @classmethod
    def _each_role_once(cls, roles: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(roles)) < len(roles):
            raise ValueError("a role is named twice")
        return roles

    @field_validator("elements")
    @classmethod
    def _elements_exist(cls, elements: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [symbol for symbol in elements if symbol not in _ELEMENTS]
        if unknown:
            raise ValueError(f"no such element as {', '.join(unknown)} among {' '.join(_ELEMENTS)}")
        return elements


class ExecutionSettings(Section):
    """Where calculations run and where their results are kept; changes nothing about what comes out."""

    transport: Literal["local", "slurm", "parsl"] = "local"
    store: str | None = Field(None, description="SQLite file or postgresql:// URL; none = in the run's own folder")
    lease_s: float = Field(60, ge=5, description="other hosts may take over after so many seconds of silence")
    scratch: Path | None = Field(None, description="folder for scratch on the nodes; none = their temporary folder")
    keep_scratch: Literal["never", "failed", "always"] = "never"
    slurm: SlurmSettings | None = None
    parsl: ParslSettings | None = None

    @model_validator(mode="after")
    def _transport_is_described(self) -> ExecutionSettings:
        if self.transport != "local" and getattr(self, self.transport) is None:
            raise ValueError(
                f"transport is {self.transport} and there is no section execution.{self.transport}; "
                "see configs/execution/ for examples"
            )
        return self


class StoppingSettings(Section):
    """What ends a campaign before its last round; none = nothing does."""

    core_hours: float | None = Field(None, gt=0, description="CPU hours of calculations")
    hours: float | None = Field(None, gt=0, description="hours that its stages have taken")
    plateau_rounds: int | None = Field(None, ge=1, description="rounds in which no role's hypervolume grows")
    plateau_gain: float = Field(0.01, ge=0, description="growth, as a share, that counts")


class ContinuousSettings(Section):
    """Of `heliosc run --continuous`; campaign.stop ends it as well, campaign.rounds does not."""

    rounds: int | None = Field(None, ge=1, description="rounds at most; none = no limit")
    waiting: int = Field(
        12, ge=1, description="promoted candidates without an answer of the laboratory with which no round begins"
    )
    look_every_s: float = Field(60, gt=0, description="how often it looks for answers while it waits")


class CampaignSettings(Section):
    """The loop."""

    rounds: int = Field(3, ge=1)
    batch_size: int = Field(24, ge=1, description="calculations a round, shared by the roles")
    runs: Path = Path("runs")
    library: Path | None = Field(
        None, description="molecules and NAME@LEVEL values known from the start; none = the embedded library"
    )
    levels: tuple[str, ...] = Field(
        ("gfn2",), min_length=1, max_length=2, description="gfn2, and what its best are promoted to, e.g. dft-fast"
    )
    core_hours_a_round: float | None = Field(
        None, gt=0, description="price cap of a round's calculations, shared by both levels; needed with two levels"
    )
    prices: Literal["measured", "estimated"] = Field(
        "measured", description="what calculations cost; estimated = choices do not follow the clock"
    )
    stop: StoppingSettings = StoppingSettings()
    continuous: ContinuousSettings = ContinuousSettings()
    handoff_best: int = Field(4, ge=0, description="candidates handed off at the end")
    optical_level: str | None = Field(
        None,
        description="level of S1, T1 and oscillator strength of what is handed off, e.g. dft-fast; none = not computed",
    )

    @model_validator(mode="after")
    def _second_level_has_a_price_cap(self) -> CampaignSettings:
        if self.levels[0] != "gfn2":
            raise ValueError(f"levels begin with gfn2, where objectives and models stand; got {self.levels[0]}")
        if len(self.levels) > 1 and (self.levels[1] == "gfn2" or self.core_hours_a_round is None):
            raise ValueError(
                f"levels {', '.join(self.levels)}: the second is a better one, and core_hours_a_round caps its price"
            )
        return self


class DataSettings(Section):
    """The master table: what goes into it and where it is; of `update` and `pipeline`."""

    sources: tuple[str, ...] = Field(("library",), description="library, and sources of `heliosc data sources`")
    maps: tuple[Path, ...] = Field((), description="column maps of files of your own")
    downloads: Path = Path("data/downloads")
    labels: Path = Field(Path("data/labels"), description="results of the runs, gathered by `update`")
    store: Path = Field(Path("data/store"), description="folder of the long store")
    table: Path = Field(Path("data/raw/all_mols.csv"), description="the wide table")
    prepared: Path = Field(Path("data/prepared"), description="split, seed and pool")
    split: Literal["random", "scaffold", "stratified"] = "random"
    targets: tuple[str, ...] = Field((), description="NAME@LEVEL columns of the split; none = all with enough values")
    seed_size: int = Field(500, ge=1, description="labelled molecules that an active loop begins with")
    retrain_after: int = Field(1, ge=1, description="new training molecules from which `update` retrains a model")


_UNCHANGED_SELECTION = {
    "max_per_scaffold": 2,
    "max_per_fragment": None,
    "diversity": 0.2,
    "min_log_p": None,
    "max_log_p": None,
}


class Config(Section):
    """All settings of heliosc."""

    seed: int = Field(0, ge=0)
    properties: Path | None = Field(None, description="your own properties; see docs/how-to/add-a-property.md")
    data: DataSettings = DataSettings()
    campaign: CampaignSettings = CampaignSettings()
    selection: SelectionSettings = SelectionSettings()
    surrogate: SurrogateSettings = SurrogateSettings()
    generator: GeneratorSettings = GeneratorSettings()
    qc: QCSettings = QCSettings()
    execution: ExecutionSettings = ExecutionSettings()
    tracking: TrackingSettings = TrackingSettings()

    def digest(self) -> str:
        """Short hash of the resolved configuration, the identity of a run.

        More rounds continue the same run, and so does moving it to another machine: where calculations run, and on
        how many workers, is left out, and so is what is computed of the candidates only when they are handed off.
        """
        settings = self.model_dump(mode="json")
        if self.properties is None:
            del settings["properties"]
        for later in ("rounds", "stop", "continuous", "optical_level"):
            del settings["campaign"][later]
        if self.generator.fine_tuning == "weighted":
            del settings["generator"]["fine_tuning"], settings["generator"]["policy_gradient"]
        for name, default in _UNCHANGED_SELECTION.items():  # runs begun before there was a choice find themselves
            if settings["selection"][name] == default:
                del settings["selection"][name]
        del settings["execution"], settings["tracking"], settings["data"]
        for unused in ("molecules", "resources", "workflow", "condensed"):  # a campaign computes four-point sets
            del settings["qc"][unused]
        text = json.dumps(settings, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:8]

    def to_yaml(self) -> str:
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False)


def load_config(file: Path | None = None, overrides: Iterable[str] = ()) -> Config:
    """Read a configuration.

    Parameters
    ----------
    file : YAML with any part of the schema; None = all defaults
    overrides : ``dotted.key=value`` texts, the value in YAML

    Raises
    ------
    InputError : the file is missing, unreadable or not a YAML mapping
    UsageError : an unknown key or a value of the wrong kind, with the nearest known key
    """
    settings = _read_yaml(file) if file else {}
    for override in overrides:
        _apply_override(settings, override)
    try:
        config = Config.model_validate(settings)
    except ValidationError as error:
        raise UsageError(_explain(error, where=str(file or "configuration"))) from error
    if config.properties is not None:
        os.environ[OWN_PROPERTIES] = str(config.properties.resolve())  # read where an unknown name is met
    return config


# what a missing file is written by; the last key of an entry in the schema
_WRITTEN_BY = {
    "data": "heliosc data merge (the master table) or heliosc data split (its training side)",
    "weights": "heliosc train surrogate or heliosc train generator",
    "pool": "you: a CSV or list of SMILES",
    "library": "heliosc data merge (the master table) or heliosc data split (its seed molecules)",
    "properties": "you: see docs/how-to/add-a-property.md",
    "role_file": "you: copy the shipped roles and edit them",
}


def check_inputs(config: Config) -> None:
    """Make sure at the start that everything a configuration reads is there.

    Raises
    ------
    InputError : names every missing file or folder, its key, and what writes it
    """
    named = {
        "properties": config.properties,
        "surrogate.data": config.surrogate.data,
        "surrogate.weights": config.surrogate.weights,
        "generator.data": config.generator.data,
        "generator.pool": config.generator.pool,
        "generator.weights": config.generator.weights,
        "campaign.library": config.campaign.library,
        "selection.role_file": config.selection.role_file,
    }
    missing = [
        f"{key} = {path} (written by {_WRITTEN_BY[key.rpartition('.')[2]]}; null = what is shipped)"
        for key, path in named.items()
        if path is not None and not path.exists()
    ]
    if missing:
        raise InputError(f"the configuration names what is not there, seen from {Path.cwd()}: {'; '.join(missing)}")


def _read_yaml(file: Path) -> dict[str, Any]:
    try:
        settings = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read configuration {file}: {error}") from error
    except yaml.YAMLError as error:
        raise InputError(f"{file} is not valid YAML: {error}") from error
    if settings is None:
        raise InputError(f"configuration {file} is empty; see configs/active_learn.yaml for an example")
    if not isinstance(settings, dict):
        raise InputError(f"{file} holds a {type(settings).__name__}; expected keys and values, see configs/")
    return settings


def _apply_override(settings: dict[str, Any], override: str) -> None:
    dotted, separator, text = override.partition("=")
    if not separator or not dotted.strip():
        raise UsageError(f"override {override!r} is not of the form dotted.key=value, e.g. campaign.rounds=2")
    *parents, last = dotted.strip().split(".")
    node = settings
    for parent in parents:
        node = node.setdefault(parent, {})
        if not isinstance(node, dict):
            raise UsageError(f"override {override!r}: {parent!r} is a value, not a section")
    try:
        node[last] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"override {override!r}: the value is not valid YAML") from error


def _explain(error: ValidationError, *, where: str) -> str:
    lines = []
    for problem in error.errors():
        location = ".".join(str(part) for part in problem["loc"])
        if problem["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
            lines.append(f"unknown key {location!r}{_did_you_mean(problem['loc'])}")
        else:
            lines.append(f"{location}: {problem['msg']} (got {problem['input']!r})")
    return f"{where}: " + "; ".join(lines)


def _did_you_mean(location: tuple[int | str, ...]) -> str:
    known = _keys_at(location[:-1])
    close = difflib.get_close_matches(str(location[-1]), known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; expected one of: {', '.join(sorted(known))}"


def _keys_at(parents: Iterable[int | str]) -> Mapping[str, Any]:
    model: type[BaseModel] = Config
    for parent in parents:
        annotation = model.model_fields[str(parent)].annotation
        kinds = [kind for kind in (annotation, *get_args(annotation)) if isinstance(kind, type)]
        section = next((kind for kind in kinds if issubclass(kind, BaseModel)), None)
        settings = next((kind for kind in kinds if dataclasses.is_dataclass(kind)), None)
        if section is None:
            return {field.name: field for field in dataclasses.fields(settings)} if settings else {}
        model = section
    return model.model_fields
