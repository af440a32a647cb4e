"""The curated table against formulas known from the literature, entered by hand."""

import csv
from collections import Counter
from importlib.resources import files

import pytest
from rdkit import Chem
from rdkit.Chem.rdMolDescriptors import CalcMolFormula, CalcNumRings

from heliosc.chemistry.identity import skeleton_key
from heliosc.chemistry.scaffolds import cut_alkyl_chains
from heliosc.datasets.library.filters import ELEMENTS
from heliosc.datasets.library.molecules import named_molecules

FORMULAS = {
    "naphthalene": "C10H8",
    "anthracene": "C14H10",
    "tetracene": "C18H12",
    "pentacene": "C22H14",
    "chrysene": "C18H12",
    "picene": "C22H14",
    "triphenylene": "C18H12",
    "pyrene": "C16H10",
    "perylene": "C20H12",
    "coronene": "C24H12",
    "hexa-peri-hexabenzocoronene": "C42H18",
    "fullerene C60": "C60",
    "PC61BM": "C72H14O2",
    "rubrene": "C42H28",
    "perfluoropentacene": "C22F14",
    "anthanthrene": "C22H12",
    "corannulene": "C20H10",
    "9,9'-spirobifluorene": "C25H16",
    "DPVBi": "C40H30",
    "MADN": "C35H24",
    "sexithiophene": "C24H14S6",
    "dithieno[3,2-b:2',3'-d]thiophene": "C8H4S3",
    "BTBT": "C14H8S2",
    "DPh-BTBT": "C26H16S2",
    "DNTT": "C22H12S2",
    "BDT": "C10H6S2",
    "anthra[2,3-b:6,7-b']dithiophene": "C18H10S2",
    "EDOT": "C6H6O2S",
    "TTF": "C6H4S4",
    "BEDT-TTF": "C10H8S8",
    "TMTSF": "C10H12Se4",
    "tetrathiatetracene": "C18H8S4",
    "N-methyl-DTP": "C9H7NS2",
    "benzotrithiophene": "C12H6S3",
    "TPD": "C38H32N2",
    "NPB": "C44H32N2",
    "MeO-TPD": "C40H36N2O4",
    "TAPC": "C46H46N2",
    "TCTA": "C54H36N4",
    "m-MTDATA": "C57H48N4",
    "spiro-OMeTAD": "C81H68N4O8",
    "mCP": "C30H20N2",
    "CBP": "C36H24N2",
    "triazatruxene": "C24H15N3",
    "TDAE": "C10H24N4",
    "N-DMBI-H": "C17H21N3",
    "leuco crystal violet": "C25H31N3",
    "phthalocyanine": "C32H18N8",
    "porphine": "C20H14N4",
    "tetraphenylporphyrin": "C44H30N4",
    "SubPc-Cl": "C24H12BClN6",
    "NDI-H": "C14H6N2O4",
    "NTCDA": "C14H4O6",
    "PTCDA": "C24H8O6",
    "PTCDI": "C24H10N2O4",
    "PTCBI": "C36H16N4O2",
    "perinone": "C26H12N4O2",
    "DPP-Ph2": "C18H12N2O2",
    "indigo": "C16H10N2O2",
    "isoindigo": "C16H10N2O2",
    "quinacridone": "C20H12N2O2",
    "benzothiadiazole": "C6H4N2S",
    "dithienylbenzothiadiazole": "C14H8N2S3",
    "IC end group": "C12H6N2O",
    "Y6": "C48H18F4N8O2S5",
    "DTDCTB": "C28H19N5S2",
    "DTDCPB": "C30H21N5S",
    "BODIPY": "C9H7BF2N2",
    "aza-BODIPY": "C32H22BF2N3",
    "coumarin 6": "C20H18N2O2S",
    "DCM": "C19H17N3O",
    "Nile red": "C20H18N2O2",
    "TCNQ": "C12H4N4",
    "F4TCNQ": "C12F4N4",
    "F6-TCNNQ": "C16F6N4",
    "TCNAQ": "C20H8N4",
    "TCNE": "C6N4",
    "HATCN": "C18N12",
    "DDQ": "C8Cl2N2O2",
    "chloranil": "C6Cl4O2",
    "CN6-CP": "C12N6",
    "tris(pentafluorophenyl)borane": "C18BF15",
    "BPhen": "C24H16N2",
    "BCP": "C26H20N2",
    "TPBi": "C45H30N6",
    "PBD": "C24H22N2O",
    "TAZ": "C30H27N3",
    "TmPyPB": "C39H27N3",
    "DPEPO": "C36H28O3P2",
    "TSPO1": "C36H29OPSi",
    "UGH-2": "C42H34Si2",
    "HATNA": "C24H12N6",
    "4CzIPN": "C56H32N6",
    "2CzPN": "C32H18N4",
    "DMAC-TRZ": "C36H28N4",
    "PXZ-TRZ": "C33H22N4O",
    "DMAC-DPS": "C42H36N2O2S",
    "DABNA-1": "C30H21BN2",
    "DiKTa": "C20H11NO2",
}
RINGS = {
    "pentacene": 5,
    "coronene": 7,
    "hexa-peri-hexabenzocoronene": 13,
    "fullerene C60": 32,
    "Y6": 12,
    "ITIC": 11,
    "DNTT": 6,
}
CLASSES = {
    "acceptor", "donor", "dye", "electron_transport", "emitter", "hole_transport", "host", "n_dopant", "p_dopant",
}  # fmt: skip


@pytest.fixture(scope="module")
def named():
    return {molecule.name: Chem.MolFromSmiles(molecule.smiles) for molecule in named_molecules()}


@pytest.mark.parametrize("name", FORMULAS)
def test_formula_is_the_published_one(named, name):
    assert CalcMolFormula(named[name]) == FORMULAS[name]


@pytest.mark.parametrize("name", RINGS)
def test_number_of_rings(named, name):
    assert CalcNumRings(named[name]) == RINGS[name]


@pytest.mark.parametrize(
    ("name", "n_kinds"),
    [("fullerene C60", 1), ("hexa-peri-hexabenzocoronene", 5), ("coronene", 3), ("truxene", 9), ("triazatruxene", 9)],
)
def test_symmetry_distinct_heavy_atoms(named, name, n_kinds):
    """A wrongly closed ring would break the symmetry that the molecule has."""
    assert len(set(Chem.CanonicalRankAtoms(named[name], breakTies=False))) == n_kinds


def test_pc61bm_is_a_methanofullerene(named):
    """Only the cyclopropane's three ring carbons are sp3, and its bridge bears phenyl and the ester chain."""
    molecule = named["PC61BM"]
    bridge = Chem.MolFromSmarts("[CX4;r3](c1ccccc1)([CH2][CH2][CH2]C(=O)O[CH3])([CX4;r3])[CX4;r3]")
    assert molecule.HasSubstructMatch(bridge)
    assert len(molecule.GetSubstructMatches(Chem.MolFromSmarts("[CX4;R]"))) == 3


def test_every_row_is_a_neutral_closed_shell_molecule_of_allowed_elements(named):
    assert len(named) >= 150
    for name, molecule in named.items():
        assert Chem.GetFormalCharge(molecule) == 0, name
        assert len(Chem.GetMolFrags(molecule)) == 1, name
        assert not any(atom.GetNumRadicalElectrons() for atom in molecule.GetAtoms()), name
        assert {atom.GetAtomicNum() for atom in molecule.GetAtoms()} <= ELEMENTS, name
        n_electrons = sum(atom.GetAtomicNum() + atom.GetTotalNumHs() for atom in molecule.GetAtoms())
        assert n_electrons % 2 == 0, name


def test_no_molecule_is_listed_twice(named):
    repeated = [key for key, n in Counter(map(skeleton_key, named.values())).items() if n > 1]
    assert not repeated


def test_classes_and_side_chains_are_stated(named):
    rows = named_molecules()
    assert {row.class_name for row in rows} == CLASSES
    assert {row.side_chains for row in rows} == {"none", "shortened to methyl", "removed"}
    for row in rows:
        if row.side_chains != "none":
            molecule = named[row.name]
            assert cut_alkyl_chains(molecule).GetNumAtoms() == molecule.GetNumAtoms(), f"{row.name} has a long chain"


def test_table_has_no_columns_but_the_documented():
    text = files("heliosc.datasets.library").joinpath("named.csv").read_text(encoding="utf-8")
    assert next(csv.reader([text.splitlines()[0]])) == ["name", "smiles", "class", "side_chains", "notes"]
