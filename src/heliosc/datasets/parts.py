"""How the molecules of a merge are spread over files: by a hash of their SMILES, each part merged for itself.

Polymers have a part of their own. A small merge has one part of molecules, a large one as many as there are buckets,
so that memory holds a sixty-fourth of the molecules at a time.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path

from heliosc.datasets.schema import MOLECULES_FOLDER, POLYMERS_FOLDER, PROPERTIES_FOLDER

N_BUCKETS = 64
POLYMER_BUCKET = N_BUCKETS
SINGLE_PART_ROWS = 250_000


@dataclass(frozen=True, slots=True)
class Part:
    """Some buckets whose molecules share files.

    Attributes
    ----------
    name : ``part-NN`` or ``polymers``
    """

    name: str
    buckets: tuple[int, ...]

    @property
    def is_polymers(self) -> bool:
        return POLYMER_BUCKET in self.buckets

    def properties_file(self, store: Path) -> Path:
        """Long store of the part."""
        if self.is_polymers:
            return store / POLYMERS_FOLDER / f"{PROPERTIES_FOLDER}.parquet"
        return store / PROPERTIES_FOLDER / f"{self.name}.parquet"

    def molecules_file(self, store: Path) -> Path:
        """Molecules of the part with their descriptors."""
        if self.is_polymers:
            return store / POLYMERS_FOLDER / f"{MOLECULES_FOLDER}.parquet"
        return store / MOLECULES_FOLDER / f"{self.name}.parquet"

    def identities_file(self, work: Path) -> Path:
        """Molecules of the part before their descriptors."""
        return work / "identities" / f"{self.name}.parquet"

    def descriptors_folder(self, work: Path, fingerprint: str) -> Path:
        """Stored descriptors of the part's molecules."""
        span = f"{self.buckets[0]:02d}-{self.buckets[-1]:02d}"
        return work / "descriptors" / fingerprint / span


def bucket_of(smiles: str) -> int:
    """Bucket of a molecule, the same on every machine."""
    return zlib.crc32(smiles.encode()) % N_BUCKETS


def parts_for(n_rows: int) -> tuple[Part, ...]:
    """Parts of a merge of so many rows; the polymers' is the last."""
    every = tuple(range(N_BUCKETS))
    groups = [every] if n_rows <= SINGLE_PART_ROWS else [(bucket,) for bucket in every]
    molecules = (Part(f"part-{index:02d}", buckets) for index, buckets in enumerate(groups))
    return (*molecules, Part("polymers", (POLYMER_BUCKET,)))
