"""The campaign: propose, predict and select, compute, learn, again. The only stateful loop of heliosc.

Each stage writes its outcome before the state moves on, so a campaign killed anywhere goes on with the same command:
proposals and selections are read back, calculations are known to the store, models are loaded from the last round.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property, partial
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from heliosc.campaign.calculations import (
    open_store,
    read_outcome,
    run_calculations,
    submit_four_points,
    transport_of,
)
from heliosc.campaign.continuous import BetweenRounds
from heliosc.campaign.judging import Judged, is_measured_only, judge, judgeable_table, table_of
from heliosc.campaign.known import known_molecules
from heliosc.campaign.learning import (
    Goal,
    fine_tune_generator,
    fine_tune_surrogate,
    prediction_errors,
    reinforce_generator,
)
from heliosc.campaign.measured import Measured, measured_digest, measured_of_run, with_measured
from heliosc.campaign.models import check_predicted, generator_folder, load_generator, load_surrogate, surrogate_folder
from heliosc.campaign.pool_file import POOL_FILE, write_pool
from heliosc.campaign.progress import Listener, Progress, ignore_progress
from heliosc.campaign.promotions import (
    check_promotion,
    first_level_settings,
    level_notes,
    level_summary,
    plan_round,
    promotes,
    promotion_settings,
    promotions_of_round,
    with_promotion_outcome,
    write_promotions,
)
from heliosc.campaign.proposal import (
    filter_proposals,
    read_proposals,
    write_proposals,
)
from heliosc.campaign.provenance import describe_environment, with_models_of_first_round
from heliosc.campaign.records import (
    CandidateRecord,
    RoundRecord,
    read_candidates,
    read_candidates_of_round,
    read_history,
)
from heliosc.campaign.results import write_candidates_csv
from heliosc.campaign.rewarding import role_reward
from heliosc.campaign.run_folder import RunFolder, RunState, Stage
from heliosc.campaign.selecting import places_of_role, select_candidates
from heliosc.campaign.snapshots import snapshot_round
from heliosc.campaign.sources import Wish, draw_targets, make_source
from heliosc.campaign.stopping import reason_to_stop
from heliosc.campaign.tracking import campaign_tracker, epoch_listener, track_round
from heliosc.campaign.workflows import check_campaign_level
from heliosc.chemistry.synthesizability import core_sa_score
from heliosc.config import Config
from heliosc.errors import ParseError
from heliosc.execution import QCResultStore
from heliosc.files import write_atomically
from heliosc.properties import CalculationFailure, CalculationResult, PropertyKey, PropertyTable
from heliosc.qc.engines import geometry_optimizer
from heliosc.selection.acquisition import check_acquisition
from heliosc.selection.novelty import skeleton_keys
from heliosc.selection.partners import with_pair_values
from heliosc.selection.roles import Role, get_role, load_roles
from heliosc.tracking import Tracker

if TYPE_CHECKING:
    from heliosc.generation.jtvae import JTVAE
    from heliosc.surrogates.ensemble import SurrogateEnsemble

RoundListener = Callable[[RunFolder, int], None]


def run_id(config: Config) -> str:
    """Default name of the run of a configuration: the same configuration finds its run again."""
    return f"campaign-{config.digest()}"


class Campaign:
    """One campaign in its run folder.

    Parameters
    ----------
    config : validated configuration
    folder : where it lives; made when absent
    listener : hears of each step
    after_round : called with the folder and the round once a round is complete, e.g. to draw its diagnostics
    between : go on round after round, taking in what the laboratory returns, until the budget is spent; None = as many
        rounds as configured

    Raises
    ------
    InputError : the folder belongs to another configuration; an unknown role, engine or acquisition
    ResourceError : the folder cannot be written
    """

    def __init__(
        self,
        config: Config,
        folder: RunFolder,
        *,
        listener: Listener = ignore_progress,
        after_round: RoundListener | None = None,
        between: BetweenRounds | None = None,
    ) -> None:
        self.config = config
        self.folder = folder
        self._listener = listener
        self._after_round = after_round
        self._between = between
        self._tracker = Tracker(None)
        known_roles = load_roles(config.selection.role_file)
        self.roles: tuple[Role, ...] = tuple(get_role(name, known_roles) for name in config.selection.roles)
        geometry_optimizer(config.qc.engine)
        check_campaign_level(first_level_settings(config))
        check_promotion(config)
        transport_of(config)
        for number, role in enumerate(self.roles):
            check_acquisition(
                config.selection.acquisition,
                n_objectives=len(role.objectives),
                n_batch=places_of_role(config.campaign.batch_size, len(self.roles), number),
            )
        check_predicted(config.surrogate.weights, self.roles)
        folder.create(config)

    def run(self) -> str | None:
        """Go on from wherever the run stands until the last round is complete; why it stopped before that, or None.

        Raises
        ------
        TransientError : another process runs this campaign
        RunInterruptedError : SIGINT or SIGTERM; the same call goes on
        """
        with self.folder.locked(), self._open_store() as store, self._tracked():
            self.folder.pause_file.unlink(missing_ok=True)
            state = self._start()
            while state.stage is not Stage.FINISHED:
                if state.stage is Stage.PROPOSE and state.round:
                    state = self._with_news(state)
                if self.folder.pause_file.exists():
                    return f"paused before stage {state.stage} of round {state.round + 1}; the same command goes on"
                state = self._advance(state, store)
                self.folder.write_state(state)
            return self.reason_to_stop() if self._n_rounds is None or state.round + 1 < self._n_rounds else None

    def _start(self) -> RunState:
        """Where the run stands, or what is to be done after it was finished."""
        state = self.folder.read_state()
        if state.stage is not Stage.FINISHED:
            return state
        if not self._ends_after(state.round):
            return RunState(state.round + 1)  # more rounds were asked for than last time
        if self._between is not None:
            self._between.take_in()
            return self._learning_again(state.round) if self._has_news(state.round) else state
        return state

    def _with_news(self, state: RunState) -> RunState:
        """Back to learning where the laboratory has returned something since; a continuous run waits for room first."""
        if self._between is not None and not self._between.wait():
            return state
        return self._learning_again(state.round - 1) if self._has_news(state.round - 1) else state

    def _learning_again(self, index: int) -> RunState:
        """The state of a round that is to be learnt from anew; written down first, so that a kill does not skip it."""
        state = RunState(index, Stage.LEARN)
        self.folder.write_state(state)
        return state

    def _has_news(self, index: int) -> bool:
        """Whether the laboratory has measured what the last learning did not know."""
        known = self._notes(index).get("laboratory", "")
        return measured_digest(self._measured(read_candidates(self.folder.path))) != known

    def _advance(self, state: RunState, store: QCResultStore) -> RunState:
        index = state.round
        match state.stage:
            case Stage.PROPOSE:
                self._propose(index)
                return RunState(index, Stage.SELECT)
            case Stage.SELECT:
                self._select(index, store)
                return RunState(index, Stage.COMPUTE)
            case Stage.COMPUTE:
                self._compute(index, store)
                return RunState(index, Stage.LEARN)
            case _:
                self._learn(index)
                return RunState(index, Stage.FINISHED) if self._ends_after(index) else RunState(index + 1)

    def _ends_after(self, index: int) -> bool:
        is_last = self._n_rounds is not None and index + 1 >= self._n_rounds
        return is_last or self.reason_to_stop() is not None

    @property
    def _n_rounds(self) -> int | None:
        """Rounds in all; None = no limit."""
        settings = self.config.campaign
        return settings.rounds if self._between is None else settings.continuous.rounds

    def reason_to_stop(self) -> str | None:
        """Why no further round begins although more were asked for; None where nothing stands against one."""
        return reason_to_stop(self.config.campaign.stop, read_history(self.folder.path))

    def _open_store(self) -> QCResultStore:
        return open_store(self.config.execution, self.folder.store)

    @contextmanager
    def _tracked(self) -> Iterator[None]:
        self._write_environment()
        with campaign_tracker(self.folder, self.config) as self._tracker:
            yield

    # the four stages

    def _propose(self, index: int) -> None:
        with self._timed(index, "generate"):
            earlier = self._candidates(before=index)
            known = self._library_skeletons | set(skeleton_keys(record.smiles for record in earlier))
            source = make_source(
                self.config,
                generator=partial(self._generator, index),
                surrogate=partial(self._surrogate, index),
                known=known,
            )
            proposals = []
            for number, role in enumerate(self.roles):
                self._tell(index, "proposing", done=number, total=len(self.roles), note=role.name)
                wish = Wish(role, self._best_known(role, earlier), self.library)
                sampled = source.propose(wish, self.config.generator.n_samples, seed=self._seed(index, number))
                proposals += [(smiles, origin, role.name) for smiles, origin in sampled]
            report = filter_proposals(proposals, known=known, config=self.config)
            write_proposals(self.folder.round(index) / "proposals.csv", report.proposals)
            self._note(index, funnel=report.funnel, rejected=report.rejected, seeds=self._seeds(index))
            self._tell(index, "proposing", done=len(self.roles), total=len(self.roles), note=f"{len(report.proposals)}")

    def _select(self, index: int, store: QCResultStore) -> None:
        with self._timed(index, "predict and select"):
            proposals = read_proposals(self.folder.round(index) / "proposals.csv")
            self._tell(index, "predicting", total=len(proposals))
            predictions = self._surrogate(index).predict([proposal.smiles for proposal in proposals])
            selection = select_candidates(
                proposals,
                predictions,
                roles=self.roles,
                known_smiles=[*self.library.smiles, *(record.smiles for record in self._candidates(before=index))],
                config=self.config,
                run_id=self.folder.id,
                index=index,
                seed=self._seed(index, len(self.roles)),
                earlier=self._candidates(before=index),
            )
            records = self._with_levels(index, selection.records, store)
            write_pool(
                self.folder.round(index) / POOL_FILE, proposals, predictions,
                scores=selection.scores, chosen={record.smiles: record.id for record in records},
            )  # fmt: skip
            keys = submit_four_points(store, [record.smiles for record in records], self.config.qc).keys
            records = [replace(record, calculation_key=keys[record.smiles]) for record in records]
            self.folder.write_candidates(index, records)
            self._tell(index, "predicting", done=len(proposals), total=len(proposals), note=f"{len(records)} selected")

    def _with_levels(self, index: int, records: list[CandidateRecord], store: QCResultStore) -> list[CandidateRecord]:
        """The new candidates that the round computes; those that it promotes are written beside them."""
        if not promotes(self.config):
            return records
        plan = plan_round(
            records, self.folder, store, index=index, roles=self.roles, config=self.config,
            seed=self._seed(index, len(self.roles) + 1),
        )  # fmt: skip
        self._note(index, levels=level_notes(plan, self.config))
        return plan.records

    def _compute(self, index: int, store: QCResultStore) -> None:
        with self._timed(index, "compute"):
            records = self._candidates(only=index)
            promotions = promotions_of_round(self.folder, index)
            names = {record.calculation_key: record.smiles for record in records}
            names |= {promotion.calculation_key: promotion.smiles for promotion in promotions}

            def hear(event: dict[str, Any]) -> None:
                self._tell(index, "computing", done=event["done"], total=event["total"], note=names[event["key"]])

            self._tell(index, "computing", total=len(names))
            run_calculations(store, names, self.config.model_copy(update={"qc": promotion_settings(self.config)}), hear)
            if promotions:
                write_promotions(self.folder, index, [with_promotion_outcome(item, store) for item in promotions])
            completed = [self._with_outcome(record, store) for record in records]
            self.folder.write_candidates(index, completed)

    def _learn(self, index: int) -> None:
        with self._timed(index, "learn"):
            self._tell(index, "learning", total=2)
            records = read_candidates(self.folder.path, before=index + 1)
            measured = self._measured(records)
            self._note(index, laboratory=measured_digest(measured))
            computed = self._candidates_table(with_measured(records, measured))
            fine_tune_surrogate(
                self._surrogate(index), computed, self.library, config=self.config, index=index,
                seed=self._seed(index, 0),
                folder=self.folder.round(index) / "surrogate",
                progress=epoch_listener(
                    self._tracker, "surrogate", first_step=index * self.config.surrogate.fine_tune_epochs
                ),
            )  # fmt: skip
            self._tell(index, "learning", done=1, total=2, note="surrogate")
            if "jtvae" in self.config.generator.sources:
                self._refresh_generator(index, computed)
            self._tell(index, "learning", done=2, total=2, note="generator")
        self._close_round(index)

    def _refresh_generator(self, index: int, computed: PropertyTable) -> None:
        generator, folder = self._generator(index), self.folder.round(index) / "generator"
        seed = self._seed(index, 1)
        if self.config.generator.fine_tuning == "policy_gradient":
            goals = self._goals(index, generator)
            reinforce_generator(generator, goals, config=self.config, index=index, seed=seed, folder=folder)
            return
        fine_tune_generator(
            generator, self._best_for_generator(index), computed, self.library,
            config=self.config, index=index, seed=seed, folder=folder,
            progress=epoch_listener(
                self._tracker, "generator", first_step=index * self.config.generator.fine_tune_epochs
            ),
        )  # fmt: skip

    def _goals(self, index: int, generator: JTVAE) -> list[Goal]:
        """What each role asks for, several times over, judged by what the surrogate has just learnt."""
        surrogate, rng = self._surrogate(index + 1), np.random.default_rng(self._seed(index, 2))
        rewards = {
            role.name: role_reward(role, surrogate, self.library, sa_scores=self._library_sa_scores, config=self.config)
            for role in self.roles
        }
        return [
            (draw_targets(role, self.library, generator.keys, rng=rng), rewards[role.name])
            for _ in range(self.config.generator.policy_gradient.steps)
            for role in self.roles
        ]

    def _close_round(self, index: int) -> None:
        finished = [record for record in read_history(self.folder.path) if record.round < index]
        self.folder.write_history([*finished, self._round_record(index)])
        write_candidates_csv(self.folder, self.roles)
        if self._after_round:
            self._after_round(self.folder, index)
        track_round(self._tracker, self.folder, index, known=self.library.smiles)
        with self._open_store() as store:
            snapshot_round(
                self.folder.round(index),
                [*self._candidates(only=index), *promotions_of_round(self.folder, index)],
                store,
            )

    # what the stages need to know

    @cached_property
    def library(self) -> PropertyTable:
        """Values known before the first round."""
        return known_molecules(self.config, self._keys)

    @cached_property
    def _keys(self) -> tuple[PropertyKey, ...]:
        from heliosc.properties import DEFAULT_TARGETS

        needed = [key for role in self.roles for key in role.keys if key.level != "structure"]
        measured = [key for key in self._surrogate(0).keys if is_measured_only(key)]
        return tuple(dict.fromkeys([*DEFAULT_TARGETS, *needed, *measured]))

    @cached_property
    def _library_skeletons(self) -> set[str]:
        return set(skeleton_keys(self.library.smiles))

    @cached_property
    def _library_sa_scores(self) -> np.ndarray:
        from heliosc.chemistry.identity import parse_smiles

        return np.array([core_sa_score(parse_smiles(smiles)) for smiles in self.library.smiles])

    def _judge_library(self, role: Role) -> Judged:
        return judge(role, self.library, sa_scores=self._library_sa_scores)

    def _candidates(self, *, before: int | None = None, only: int | None = None) -> list[CandidateRecord]:
        if only is not None:
            return read_candidates_of_round(self.folder.path, only)
        records = read_candidates(self.folder.path, before=before)
        return with_measured(records, self._measured(records))

    def _measured(self, records: list[CandidateRecord]) -> Measured:
        return measured_of_run(self.folder.path, records, [key for key in self._keys if is_measured_only(key)])

    def _candidates_table(self, records: list[CandidateRecord]) -> PropertyTable:
        computed = [record for record in records if record.computed]
        values = [{PropertyKey.parse(k): v for k, v in record.computed.items()} for record in computed]
        return table_of([record.smiles for record in computed], values, self._keys)

    def _judge_candidates(self, role: Role, records: list[CandidateRecord]) -> Judged:
        mine = [record for record in records if record.role == role.name and record.computed]
        scores = np.array([record.sa_score_core for record in mine])
        return judge(role, judgeable_table(mine, self._keys), sa_scores=scores)

    def _best_known(self, role: Role, earlier: list[CandidateRecord]) -> list[str]:
        """Library and earlier candidates within the size limit, the best for the role first."""
        mine = [record for record in earlier if record.computed]
        table = judgeable_table(mine, self._keys)
        smiles = [*self.library.smiles, *table.smiles]
        values = np.vstack([self.library.values, table.values])
        scores = np.concatenate([self._library_sa_scores, [record.sa_score_core for record in mine]])
        order = judge(role, PropertyTable(tuple(smiles), self._keys, values), sa_scores=scores).best_first()
        return [smiles[row] for row in order[:200]]

    def _best_for_generator(self, index: int) -> list[str]:
        records = self._candidates(before=index + 1)
        ranked = zip_longest(*(self._best_known(role, records) for role in self.roles))
        return list(dict.fromkeys(smiles for rank in ranked for smiles in rank if smiles is not None))

    def _surrogate(self, index: int) -> SurrogateEnsemble:
        settings = self.config.surrogate
        folder = self.folder.round(index - 1) / "surrogate" if index else settings.weights
        return load_surrogate(folder, device=settings.compute.device)

    def _generator(self, index: int) -> JTVAE:
        settings = self.config.generator
        folder = self.folder.round(index - 1) / "generator" if index else settings.weights
        return load_generator(folder, device=settings.compute.device)

    # what is written down

    def _with_outcome(self, record: CandidateRecord, store: QCResultStore) -> CandidateRecord:
        outcome = read_outcome(store, record.smiles, record.calculation_key)
        if isinstance(outcome, CalculationResult):
            role = next(role for role in self.roles if role.name == record.role)
            table = table_of([record.smiles], [outcome.values], self._keys)
            meets = judge(role, table, sa_scores=np.array([record.sa_score_core])).meets[0]
            values = {str(key): float(value) for key, value in with_pair_values(role.partner, outcome.values).items()}
            return replace(record, computed=values, meets_window=meets, wall_time_s=outcome.wall_time_s)
        if isinstance(outcome, CalculationFailure):
            return replace(record, failure={"error_class": outcome.error_class, "reason": outcome.reason})
        return record

    def _round_record(self, index: int) -> RoundRecord:
        notes = self._notes(index)
        fresh, so_far = self._candidates(only=index), self._candidates(before=index + 1)
        outcomes = {"selected": len(fresh), "computed": sum(bool(r.computed) for r in fresh)}
        outcomes["failed"] = sum(r.failure is not None for r in fresh)
        judged = {role.name: (self._judge_candidates(role, so_far), self._judge_library(role)) for role in self.roles}
        sizes = {name: len(mine.costs) for name, (mine, _) in judged.items()}
        return RoundRecord(
            round=index,
            funnel={**notes["funnel"], **outcomes},
            rejected=notes["rejected"],
            timing_s=notes["timing_s"],
            core_seconds=self._core_seconds(
                [record.calculation_key for record in fresh]
                + [promotion.calculation_key for promotion in promotions_of_round(self.folder, index)]
            ),
            hypervolume={name: mine.hypervolume() for name, (mine, _) in judged.items()},
            hypervolume_random={
                name: library.random_hypervolume(sizes[name], seed=self.config.seed)
                for name, (_, library) in judged.items()
            },
            window_share={
                name: {"candidates": mine.window_share, "library": library.window_share}
                for name, (mine, library) in judged.items()
            },
            surrogate_error=prediction_errors(fresh),
            front_share={name: mine.front_share(library) for name, (mine, library) in judged.items()},
            levels=self._levels(index),
        )

    def _levels(self, index: int) -> dict[str, dict[str, Any]]:
        with self._open_store() as store:
            return level_summary(self._notes(index)["levels"], promotions_of_round(self.folder, index), store)

    def _core_seconds(self, keys: list[str]) -> float:
        with self._open_store() as store:
            attempts = [attempt for key in keys for attempt in store.attempts(key)]
        return float(sum(attempt.cpu_s or 0.0 for attempt in attempts))

    def _write_environment(self) -> None:
        models = {
            "surrogate": surrogate_folder(self.config.surrogate.weights),
            "generator": generator_folder(self.config.generator.weights),
        }
        environment = describe_environment(seed=self.config.seed, model_folders=models)
        file = self.folder.path / "environment.json"
        environment = with_models_of_first_round(environment, file)
        write_atomically(file, json.dumps(environment, indent=2, sort_keys=True) + "\n")

    def _notes_file(self, index: int) -> Path:
        return self.folder.round(index) / "notes.json"

    def _notes(self, index: int) -> dict[str, Any]:
        file = self._notes_file(index)
        empty: dict[str, Any] = {"funnel": {}, "rejected": {}, "timing_s": {}, "levels": {}}
        try:
            return empty | json.loads(file.read_bytes()) if file.exists() else empty
        except (ValueError, TypeError) as error:
            raise ParseError(
                f"{file} is damaged ({error}); remove it, its counts and times are then missing"
            ) from error

    def _note(self, index: int, **entries: Any) -> None:
        write_atomically(self._notes_file(index), json.dumps({**self._notes(index), **entries}, sort_keys=True) + "\n")

    @contextmanager
    def _timed(self, index: int, stage: str) -> Iterator[None]:
        """Add the time of a stage to the round's notes, also when it is interrupted."""
        start = time.monotonic()
        try:
            yield
        finally:
            timing = self._notes(index)["timing_s"]
            spent = timing.get(stage, 0.0) + time.monotonic() - start
            self._note(index, timing_s={**timing, stage: spent})

    def _seed(self, index: int, number: int) -> int:
        """A seed of its own for each round and purpose, fixed by the configured one."""
        return int(np.random.SeedSequence([self.config.seed, index, number]).generate_state(1)[0] & 0x7FFFFFFF)

    def _seeds(self, index: int) -> dict[str, Any]:
        """Every seed of a round; all random numbers come from generators that begin with one of them."""
        roles = len(self.roles)
        return {
            "configured": self.config.seed,
            "propose": {role.name: self._seed(index, number) for number, role in enumerate(self.roles)},
            "select": self._seed(index, roles),
            "levels": self._seed(index, roles + 1),
            "surrogate": self._seed(index, 0),
            "generator": self._seed(index, 1),
        }

    def _tell(self, index: int, stage: str, *, done: int = 0, total: int | None = None, note: str = "") -> None:
        self._listener(Progress(index, self._n_rounds, stage, done, total, note))
