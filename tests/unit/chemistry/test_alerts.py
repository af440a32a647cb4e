"""Alerts spare every good semiconductor and stop every explosive."""

import pytest
from rdkit import Chem
from rdkit.Chem.rdMolDescriptors import CalcMolFormula

from heliosc.chemistry.alerts import alert_verdict, find_alerts, load_alerts

SEMICONDUCTORS = {  # name: (formula, SMILES, warnings expected); the formula guards against a mistyped SMILES
    "pentacene": ("C22H14", "c1ccc2cc3cc4cc5ccccc5cc4cc3cc2c1", {"linear_acene"}),
    "rubrene": ("C42H28", "c1ccc(cc1)-c1c2ccccc2c(-c2ccccc2)c2c(-c3ccccc3)c3ccccc3c(-c3ccccc3)c12", set()),
    "TIPS-pentacene": (
        "C44H54Si2",
        "CC(C)[Si](C#Cc1c2cc3ccccc3cc2c(C#C[Si](C(C)C)(C(C)C)C(C)C)c2cc3ccccc3cc12)(C(C)C)C(C)C",
        {"linear_acene"},
    ),
    "DNTT": ("C22H12S2", "c1ccc2cc3c(cc2c1)sc1c3sc2cc3ccccc3cc21", set()),
    "C8-BTBT": ("C30H40S2", "CCCCCCCCc1ccc2c(c1)sc1c2sc2cc(CCCCCCCC)ccc21", set()),
    "PDI": ("C40H42N2O4", "CCCCCCCCN1C(=O)c2ccc3c4ccc5C(=O)N(CCCCCCCC)C(=O)c6ccc(c7ccc(C1=O)c2c37)c4c56", set()),
    "NDI": ("C30H38N2O4", "CCCCCCCCN1C(=O)c2ccc3C(=O)N(CCCCCCCC)C(=O)c4ccc(C1=O)c2c34", set()),
    "PCBM": (
        "C72H14O2",
        "COC(=O)CCCC1(c2ccccc2)C23c4c5c6c7c8c9c(c%10c%11c2c2c4c4c%12c5c5c6c6c8c8c%13c9c9c%10c%10c%11c%11c2c2c4c4c%12"
        "c%12c5c5c6c8c6c8c%13c9c9c%10c%10c%11c2c2c4c4c%12c5c6c5c8c9c%10c2c45)C713",
        set(),
    ),
    "ITIC": (
        "C94H82N4O2S4",
        "CCCCCCc1ccc(cc1)C1(c2ccc(CCCCCC)cc2)c2cc3c(cc2-c2sc4cc(C=C5C(=O)c6ccccc6C5=C(C#N)C#N)sc4c12)"
        "C(c1ccc(CCCCCC)cc1)(c1ccc(CCCCCC)cc1)c1c-3sc2cc(C=C3C(=O)c4ccccc4C3=C(C#N)C#N)sc12",
        {"vinylidene_dicyano"},
    ),
    "Y6": (
        "C82H86F4N8O2S5",
        r"CCCCCCCCCCCc1c(/C=C2\C(=O)c3cc(F)c(F)cc3C2=C(C#N)C#N)sc2c1sc1c3c4nsnc4c4c5sc6c(CCCCCCCCCCC)"
        r"c(/C=C7/C(=O)c8cc(F)c(F)cc8C7=C(C#N)C#N)sc6c5n(CC(CC)CCCC)c4c3n(CC(CC)CCCC)c21",
        {"vinylidene_dicyano"},
    ),
    "spiro-OMeTAD": (
        "C81H68N4O8",
        "COc1ccc(cc1)N(c1ccc(OC)cc1)c1ccc2-c3ccc(cc3C3(c2c1)c1cc(ccc1-c1ccc(cc13)N(c1ccc(OC)cc1)c1ccc(OC)cc1)"
        "N(c1ccc(OC)cc1)c1ccc(OC)cc1)N(c1ccc(OC)cc1)c1ccc(OC)cc1",
        set(),
    ),
    "P3HT trimer": ("C30H44S3", "CCCCCCc1ccsc1-c1cc(CCCCCC)c(s1)-c1cc(CCCCCC)cs1", set()),
    "DPP": ("C30H40N2O2S2", "CCCCC(CC)CN1C(=O)C2=C(c3cccs3)N(CC(CC)CCCC)C(=O)C2=C1c1cccs1", set()),
    "sexithiophene": ("C24H14S6", "c1csc(c1)-c1ccc(s1)-c1ccc(s1)-c1ccc(s1)-c1ccc(s1)-c1cccs1", set()),
    "N-DMBI-H": ("C17H21N3", "CN(C)c1ccc(cc1)C1N(C)c2ccccc2N1C", set()),
}

UNSTABLE = {  # alert: molecules it must stop, energetic ones first of all
    "many_nitro": {
        "TNT": "Cc1c(cc(cc1[N+](=O)[O-])[N+](=O)[O-])[N+](=O)[O-]",
        "picric acid": "Oc1c(cc(cc1[N+](=O)[O-])[N+](=O)[O-])[N+](=O)[O-]",
        "styphnic acid": "Oc1c([N+](=O)[O-])cc([N+](=O)[O-])c(O)c1[N+](=O)[O-]",
        "tetryl": "CN(c1c(cc(cc1[N+](=O)[O-])[N+](=O)[O-])[N+](=O)[O-])[N+](=O)[O-]",
        "TATB": "Nc1c(c(N)c(c(N)c1[N+](=O)[O-])[N+](=O)[O-])[N+](=O)[O-]",
        "HNS": "O=[N+]([O-])c1cc([N+](=O)[O-])c(C=Cc2c([N+](=O)[O-])cc([N+](=O)[O-])cc2[N+](=O)[O-])c([N+](=O)[O-])c1",
        "RDX": "C1N(CN(CN1[N+](=O)[O-])[N+](=O)[O-])[N+](=O)[O-]",
        "HMX": "C1N(CN(CN(CN1[N+](=O)[O-])[N+](=O)[O-])[N+](=O)[O-])[N+](=O)[O-]",
        "CL-20": "O=[N+]([O-])N1C2C3N([N+](=O)[O-])C(C1N2[N+](=O)[O-])N([N+](=O)[O-])C1C(N3[N+](=O)[O-])N1[N+](=O)[O-]",
        "tetranitromethane": "[O-][N+](=O)C([N+](=O)[O-])([N+](=O)[O-])[N+](=O)[O-]",
        "octanitrocubane": "C12(C3(C4(C1(C5(C2(C3(C45[N+](=O)[O-])[N+](=O)[O-])[N+](=O)["
        "O-])[N+](=O)[O-])[N+](=O)[O-])[N+](=O)[O-])[N+](=O)[O-])[N+](=O)[O-]",
        "hexanitrobenzene": "O=[N+]([O-])c1c([N+](=O)[O-])c([N+](=O)[O-])c([N+](=O)[O-])c([N+](=O)[O-])c1[N+](=O)[O-]",
        "TACOT": "O=[N+]([O-])c1cc([N+](=O)[O-])c2c(c1)nn1[n+]2[n-]c2c([N+](=O)[O-])cc([N+](=O)[O-])cc21",
        "2,4,7-trinitrofluorenone": "O=C1c2cc([N+](=O)[O-])ccc2-c2c1cc([N+](=O)[O-])cc2[N+](=O)[O-]",
    },
    "dinitro_ring": {
        "2,4-DNT": "Cc1ccc(cc1[N+](=O)[O-])[N+](=O)[O-]",
        "1,3-dinitrobenzene": "c1cc(cc(c1)[N+](=O)[O-])[N+](=O)[O-]",
        "1,4-dinitrobenzene": "c1cc(ccc1[N+](=O)[O-])[N+](=O)[O-]",
        "2,4-DNP": "Oc1ccc(cc1[N+](=O)[O-])[N+](=O)[O-]",
        "DNAN": "COc1ccc(cc1[N+](=O)[O-])[N+](=O)[O-]",
        "LLM-105": "Nc1nc([N+](=O)[O-])c(N)[n+]([O-])c1[N+](=O)[O-]",
    },
    "geminal_dinitro": {
        "FOX-7": "NC(N)=C([N+](=O)[O-])[N+](=O)[O-]",
        "TNAZ": "C1C(CN1[N+](=O)[O-])([N+](=O)[O-])[N+](=O)[O-]",
    },
    "nitroalkane": {
        "nitromethane": "C[N+](=O)[O-]",
        "DMNB": "CC(C)(C(C)(C)[N+](=O)[O-])[N+](=O)[O-]",
    },
    "nitroazole": {
        "NTO": "O=C1NN=C(N1)[N+](=O)[O-]",
        "3,4-dinitropyrazole": "c1c([N+](=O)[O-])c([N+](=O)[O-])n[nH]1",
        "4-nitropyrazole": "c1c([N+](=O)[O-])cn[nH]1",
    },
    "nitramine": {
        "nitroguanidine": "NC(N)=N[N+](=O)[O-]",
        "EDNA": "C(CN[N+](=O)[O-])N[N+](=O)[O-]",
        "ammonium dinitramide": "[NH4+].[N-]([N+](=O)[O-])[N+](=O)[O-]",
    },
    "nitrate_ester": {
        "PETN": "C(C(CO[N+](=O)[O-])(CO[N+](=O)[O-])CO[N+](=O)[O-])O[N+](=O)[O-]",
        "nitroglycerin": "C(C(CO[N+](=O)[O-])O[N+](=O)[O-])O[N+](=O)[O-]",
        "EGDN": "C(CO[N+](=O)[O-])O[N+](=O)[O-]",
        "isosorbide mononitrate": "C1C(C2C(O1)C(CO2)O[N+](=O)[O-])O",
        "methyl nitrate": "CO[N+](=O)[O-]",
        "urea nitrate": "NC(=[NH2+])O.[O-][N+](=O)[O-]",
        "ammonium nitrate": "[NH4+].[O-][N+](=O)[O-]",
    },
    "nitrite_ester": {
        "isoamyl nitrite": "CC(C)CCON=O",
    },
    "peroxide": {
        "HMTD": "C1N2COOCN(COO1)COOC2",
        "TATP": "CC1(C)OOC(C)(C)OOC(C)(C)OO1",
        "DADP": "CC1(C)OOC(C)(C)OO1",
        "MEKP": "CCC(C)(OO)OOC(C)(CC)OO",
        "benzoyl peroxide": "O=C(OOC(=O)c1ccccc1)c1ccccc1",
        "pentacene endoperoxide": "c1ccc2cc3c(cc2c1)C1OOC3c2cc3ccccc3cc21",
        "ethylene ozonide": "C1OOC(O1)",
    },
    "azide": {
        "phenyl azide": "[N-]=[N+]=Nc1ccccc1",
        "azidopyrene": "[N-]=[N+]=Nc1ccc2ccc3cccc4ccc1c2c34",
        "cyanuric triazide": "[N-]=[N+]=Nc1nc(N=[N+]=[N-])nc(N=[N+]=[N-])n1",
        "sodium azide": "[Na+].[N-]=[N+]=[N-]",
        "hydrazoic acid": "N=[N+]=[N-]",
    },
    "diazo": {
        "DDNP": "[N-]=[N+]=C1C=C([N+](=O)[O-])C=C([N+](=O)[O-])C1=O",
        "diazomethane": "C=[N+]=[N-]",
        "benzenediazonium": "N#[N+]c1ccccc1",
        "diphenyldiazomethane": "[N-]=[N+]=C(c1ccccc1)c1ccccc1",
    },
    "diazirine": {
        "dimethyldiazirine": "CC1(C)N=N1",
    },
    "polynitrogen": {
        "1H-tetrazole": "c1nnn[nH]1",
        "5-aminotetrazole": "Nc1nnn[nH]1",
        "azotetrazole": "N(=Nc1nnn[nH]1)c1nnn[nH]1",
        "tetrazene": "NC(=N)NN=NC1=NN=NN1",
    },
    "free_hydrazine": {
        "3,6-dihydrazinotetrazine": "NNc1nnc(NN)nn1",
        "triaminoguanidine": "NNC(=NN)NN",
        "hydrazine": "NN",
        "UDMH": "CN(C)N",
    },
    "open_triazene": {
        "diphenyltriazene": "c1ccc(cc1)N=NNc1ccccc1",
    },
    "furoxan": {
        "benzofuroxan": "[O-][n+]1onc2ccccc21",
    },
    "fulminate": {
        "fulminic acid": "C#[N+][O-]",
        "mercury fulminate": "[O-][N+]#C[Hg]C#[N+][O-]",
    },
    "hydroxy_triazole": {
        "1-hydroxybenzotriazole": "On1nnc2ccccc21",
    },
    "hypervalent_chalcogen": {
        "tetramethylsulfurane": "CS(C)(C)C",
        "an oxide of it": "CS(C)(C)(=O)c1ccccc1",
    },
    "orthoamide": {
        "tris(dimethylamino)methane": "CN(C)C(N(C)C)N(C)C",
    },
    "labile_azo": {
        "AIBN": "CC(C)(C#N)N=NC(C)(C)C#N",
        "azodicarbonamide": "NC(=O)N=NC(N)=O",
    },
    "nitrogen_halogen": {
        "nitrogen trichloride": "ClN(Cl)Cl",
        "N-bromosuccinimide": "O=C1CCC(=O)N1Br",
        "nitrogen triiodide": "IN(I)I",
        "N-fluorobenzenesulfonimide": "O=S(=O)(c1ccccc1)N(F)S(=O)(=O)c1ccccc1",
    },
    "oxygen_halogen": {
        "tert-butyl hypochlorite": "CC(C)(C)OCl",
        "ammonium perchlorate": "[NH4+].[O-]Cl(=O)(=O)=O",
        "methyl perchlorate": "COCl(=O)(=O)=O",
    },
    "hypervalent_halogen": {
        "Dess-Martin periodinane": "CC(=O)OI1(OC(C)=O)(OC(C)=O)OC(=O)c2ccccc12",
        "phenyliodine diacetate": "CC(=O)OI(OC(C)=O)c1ccccc1",
    },
    "nitrofurazan": {
        "3-amino-4-nitrofurazan": "Nc1nonc1[N+](=O)[O-]",
        "bis(nitrofurazanyl)furazan": "O=[N+]([O-])c1nonc1-c1nonc1-c1nonc1[N+](=O)[O-]",
    },
    "triazane": {"triazane": "NNN"},
    "free_hydroxylamine": {
        "hydroxylamine": "NO",
        "hydroxylammonium nitrate": "[NH3+]O.[O-][N+](=O)[O-]",
    },
    "acetylide": {
        "silver acetylide": "[Ag]C#C[Ag]",
        "copper acetylide": "[Cu]C#C[Cu]",
        "sodium acetylide": "[Na+].[Na+].[C-]#[C-]",
    },
    "dicyanoalkyne": {"dicyanoacetylene": "N#CC#CC#N"},
    "nitrogen_rich": {
        "DAAF": "Nc1nonc1N=[N+]([O-])c1nonc1N",
        "azobis(aminotetrazine)": "Nc1nnc(N=Nc2nnc(N)nn2)nn1",
    },
    "sulfur_nitride": {
        "tetrasulfur tetranitride": "N1=S=NS2=NS1=N2",
    },
    "terminal_diyne": {
        "butadiyne": "C#CC#C",
    },
    "acyl_halide": {
        "acetyl chloride": "CC(Cl)=O",
        "oxalyl chloride": "ClC(=O)C(Cl)=O",
    },
    "sulfur_halide": {
        "tosyl chloride": "Cc1ccc(cc1)S(=O)(=O)Cl",
    },
    "nitrosamine": {
        "dimethylnitrosamine": "CN(C)N=O",
    },
    "phosphorus_halide": {"phosphorus trichloride": "ClP(Cl)Cl"},
    "alpha_halo_heteroatom": {"chloromethyl methyl ether": "COCCl"},
    "phosphine_hydride": {"phenylphosphine": "Pc1ccccc1"},
    "boron_hydride": {"phenylborane": "Bc1ccccc1"},
    "ketene": {"diphenylketene": "O=C=C(c1ccccc1)c1ccccc1"},
    "isocyanate": {"phenyl isocyanate": "O=C=Nc1ccccc1"},
    "strained_alkyne": {"benzyne": "C1#CC=CC=C1"},
    "strained_allene": {"cyclohexa-1,2-diene": "C1=C=CCCC1"},
    "cyclobutadiene": {"cyclobutadiene": "C1=CC=C1"},
    "geminal_hydroxy": {"benzaldehyde hydrate": "OC(O)c1ccccc1"},
    "diimide": {"phenyldiimide": "N=Nc1ccccc1"},
    "polyyne": {"diphenyloctatetrayne": "c1ccc(cc1)C#CC#CC#CC#Cc1ccccc1"},
}

LOOKALIKES = {  # close to an alert, yet stable, and most of them used in devices: no alert at all
    "dithienylbenzotriazole": "Cn1nc2c(-c3cccs3)ccc(-c3cccs3)c2n1",
    "benzothiadiazole": "c1ccc2nsnc2c1",
    "benzoxadiazole": "c1ccc2nonc2c1",
    "diphenyltetrazine": "c1ccc(cc1)-c1nnc(nn1)-c1ccccc1",
    "azobenzene": "c1ccc(cc1)N=Nc1ccccc1",
    "HAT-CN": "N#Cc1nc2c(nc1C#N)c1nc(C#N)c(C#N)nc1c1nc(C#N)c(C#N)nc21",
    "NTCDA": "O=C1OC(=O)c2ccc3c4c(ccc1c24)C(=O)OC3=O",
    "diphenylbutadiyne": "c1ccc(cc1)C#CC#Cc1ccccc1",
    "biphenylene": "c1ccc2c(c1)-c1ccccc1-2",
    "nitrobenzene": "O=[N+]([O-])c1ccccc1",
    "BODIPY": "F[B-]1(F)n2cccc2C=C2C=CC=[N+]12",
    "DEH": "CCN(CC)c1ccc(cc1)C=NN(c1ccccc1)c1ccccc1",
    "TTF": "S1C=CSC1=C1SC=CS1",
    "PBD": "CC(C)(C)c1ccc(cc1)-c1nnc(o1)-c1ccc(cc1)-c1ccccc1",
    "chloranil": "O=C1C(Cl)=C(Cl)C(=O)C(Cl)=C1Cl",
    "phenylsulfur pentafluoride": "FS(F)(F)(F)(F)c1ccccc1",
    "benzotriazine": "c1ccc2nnncc2c1",
    "squaraine": "[O-]C1=C(c2ccc(N(C)C)cc2)C(=O)C1=C1C=CC(=[N+](C)C)C=C1",
    "isoindigo": "O=C1Nc2ccccc2C1=C1C(=O)Nc2ccccc21",
    "2,7-dinitrofluorenone": "O=C1c2cc([N+](=O)[O-])ccc2-c2ccc(cc21)[N+](=O)[O-]",
    "ovalene": "c1cc2ccc3ccc4ccc5ccc6ccc1c1c2c3c4c5c61",
    "dibenzocyclooctyne": "C1#Cc2ccccc2CCc2ccccc21",
    "dibenzothiophene dioxide": "O=S1(=O)c2ccccc2-c2ccccc21",
    "pentafluorosulfanylbenzene": "FS(F)(F)(F)(F)c1ccccc1",
    "trifluoroacetophenone": "FC(F)(F)C(=O)c1ccccc1",
    "melamine": "Nc1nc(N)nc(N)n1",
    "2,5-diphenyltetrazole": "c1ccc(cc1)-c1nnn(n1)-c1ccccc1",
    "N-aminocarbazole": "Nn1c2ccccc2c2ccccc21",
    "dithienyltetrazine": "c1csc(c1)-c1nnc(nn1)-c1cccs1",
    "thiazolyl azo dye": "CCN(CC)c1ccc(cc1)N=Nc1nccs1",
    "platinum acetylide": "CP(C)(C)[Pt](C#Cc1ccccc1)(C#Cc1ccccc1)P(C)(C)C",
    "nitrobenzofurazan": "CN(C)c1ccc([N+](=O)[O-])c2nonc12",
}

WARNED = {
    "thiophenecarbaldehyde": ("O=Cc1cccs1", "aldehyde"),
    "thiophenol": ("Sc1ccccc1", "thiol"),
    "TEMPO": ("CC1(C)CCCC(C)(C)N1[O]", "radical"),
    "nitrosobenzene": ("O=Nc1ccccc1", "c_nitroso"),
    "TCNQ": ("N#CC(C#N)=C1C=CC(C=C1)=C(C#N)C#N", "vinylidene_dicyano"),
    "hexacene": ("c1ccc2cc3cc4cc5cc6ccccc6cc5cc4cc3cc2c1", "linear_acene"),
    "1-azapentacene": ("c1ccc2cc3cc4cc5ncccc5cc4cc3cc2c1", "linear_acene"),
}


def _hits(smiles: str, verdict: str) -> set[str]:
    molecule = Chem.MolFromSmiles(smiles)
    assert molecule is not None
    return {hit.name for hit in find_alerts(molecule) if hit.verdict == verdict}


@pytest.mark.parametrize("name", SEMICONDUCTORS)
def test_reference_semiconductors_are_never_rejected(name: str) -> None:
    formula, smiles, warnings = SEMICONDUCTORS[name]
    assert CalcMolFormula(Chem.MolFromSmiles(smiles)) == formula
    assert _hits(smiles, "reject") == set()
    assert _hits(smiles, "warn") == warnings


@pytest.mark.parametrize(
    ("alert", "smiles"),
    [pytest.param(alert, s, id=name) for alert, molecules in UNSTABLE.items() for name, s in molecules.items()],
)
def test_energetic_and_unstable_molecules_are_rejected_for_the_right_reason(alert: str, smiles: str) -> None:
    assert alert in _hits(smiles, "reject")


@pytest.mark.parametrize("name", LOOKALIKES)
def test_stable_lookalikes_have_no_alert(name: str) -> None:
    assert _hits(LOOKALIKES[name], "reject") | _hits(LOOKALIKES[name], "warn") == set()


@pytest.mark.parametrize("name", WARNED)
def test_warnings_do_not_reject(name: str) -> None:
    smiles, alert = WARNED[name]
    assert _hits(smiles, "reject") == set()
    assert _hits(smiles, "warn") == {alert}


def test_every_rejecting_alert_is_exercised() -> None:
    counted = {"nitrogen_rich"}  # no SMARTS can say it, so it is in no table
    assert {alert.name for alert in load_alerts() if alert.verdict == "reject"} | counted == set(UNSTABLE)


def test_a_nitrogen_chain_counts_in_a_small_molecule_and_is_diluted_in_a_large_one() -> None:
    # (C + O) / N: 5-phenyltetrazole 7/4 = 1.75, 2,5-diphenyltetrazole 13/4 = 3.25, against 3
    assert "polynitrogen" in _hits("c1ccc(cc1)-c1nnn[nH]1", "reject")
    assert _hits("c1ccc(cc1)-c1nnn(n1)-c1ccccc1", "reject") == set()
    assert "azide" in _hits("[N-]=[N+]=Nc1ccc2ccc3cccc4ccc1c2c34", "reject")  # azides are never diluted


def test_the_other_resonance_forms_are_found_too() -> None:
    assert "azide" in _hits("c1ccccc1[N-][N+]#N", "reject")
    assert "diazo" in _hits("[CH2-][N+]#N", "reject")
    assert "oxygen_halogen" in _hits("[O-][Cl+3]([O-])([O-])[O-]", "reject")


def test_two_nitro_groups_on_different_rings_are_below_the_limit_and_three_are_not() -> None:
    nitro = "[N+](=O)[O-]"
    assert _hits(f"c1cc({nitro})ccc1-c1ccc({nitro})cc1", "reject") == set()
    assert _hits(f"c1cc({nitro})ccc1-c1ccc({nitro})cc1-c1ccc({nitro})cc1", "reject") == {"many_nitro"}


def test_verdict_is_the_gravest_hit() -> None:
    both = find_alerts(Chem.MolFromSmiles("O=Cc1ccccc1OO"))
    assert [hit.verdict for hit in both] == ["reject", "warn"]
    assert alert_verdict(both) == "reject"
    assert alert_verdict(both[1:]) == "warn"
    assert alert_verdict(()) == "pass"
