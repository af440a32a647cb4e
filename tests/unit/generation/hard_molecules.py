"""Constitutions that break junction trees of other codes: peri-fused, spiro, bridged, macrocyclic, charged, hetero."""

HARD_MOLECULES = {
    "NDI": "CN1C(=O)c2ccc3C(=O)N(C)C(=O)c4ccc1c2c34",
    "NDI, NH": "O=C1NC(=O)c2ccc3C(=O)NC(=O)c4ccc1c2c34",
    "PDI": "CN1C(=O)c2ccc3c4ccc5C(=O)N(C)C(=O)c6ccc(c7ccc(C1=O)c2c37)c4c56",
    "pyrene": "c1cc2ccc3cccc4ccc(c1)c2c34",
    "perylene": "c1cc2cccc3c4cccc5cccc(c(c1)c23)c45",
    "coronene": "c1cc2ccc3ccc4ccc5ccc6ccc1c1c2c3c4c5c61",
    "corannulene": "c1cc2ccc3ccc4ccc5ccc1c1c2c3c4c51",
    "C60": (
        "c12c3c4c5c1c1c6c7c2c2c8c3c3c9c4c4c%10c5c5c1c1c6c6c%11c7c2c2c7c8c3c3c8c9c4c4c9c%10c5c5c1c1c6c6c%11c2c2c7c3"
        "c3c8c4c4c9c5c1c1c6c2c3c41"
    ),
    "fulleropyrrolidine core": "C1NCC2=C1C=CC=C2",
    "phthalocyanine": "c1ccc2c(c1)-c1nc-2nc2[nH]c(nc3nc(nc4[nH]c(n1)c1ccccc41)-c1ccccc1-3)c1ccccc21",
    "porphyrin": "C1=CC2=CC3=CC=C(N3)C=C4C=CC(=N4)C=C5C=CC(=CC1=N2)N5",
    "BODIPY": "F[B-]1(F)n2cccc2C=C2C=CC=[N+]21",
    "squaraine": "O=C1C(=C2C=CC(=[N+](C)C)C=C2)C([O-])=C1c1ccc(N(C)C)cc1",
    "nitrostilbene": "O=[N+]([O-])c1ccc(C=Cc2ccc(N(C)C)cc2)cc1",
    "isoindigo": "O=C1Nc2ccccc2C1=C1C(=O)Nc2ccccc21",
    "indigo": "O=C1C(=C2Nc3ccccc3C2=O)Nc2ccccc21",
    "DPP": "CN1C(=O)C2=C(c3cccs3)N(C)C(=O)C2=C1c1cccs1",
    "Y6": (
        "Cc1c(C=C2C(=O)c3cc(F)c(F)cc3C2=C(C#N)C#N)sc2c1sc1c2n(C)c2c1c1nsnc1c1c2n(C)c2c1sc1c2sc(C=C2C(=O)c3cc(F)c(F)"
        "cc3C2=C(C#N)C#N)c1C"
    ),
    "ITIC end": "N#CC(C#N)=C1C(=Cc2cc3sccc3s2)C(=O)c2ccccc21",
    "spirobifluorene": "c1ccc2c(c1)-c1ccccc1C21c2ccccc2-c2ccccc21",
    "spiro-OMeTAD": (
        "COc1ccc(N(c2ccc(OC)cc2)c2ccc3c(c2)C2(c4cc(N(c5ccc(OC)cc5)c5ccc(OC)cc5)ccc4-3)c3cc(N(c4ccc(OC)cc4)c4ccc(OC)"
        "cc4)ccc3-c3ccc(N(c4ccc(OC)cc4)c4ccc(OC)cc4)cc32)cc1"
    ),
    "azulene": "c1ccc2cccc-2cc1",
    "pentalene": "C1=CC2=CC=CC2=C1",
    "BEDT-TTF": "C1CSC2=C(S1)SC(=C1SC3=C(S1)SCCS3)S2",
    "F4TCNQ": "N#CC(C#N)=C1C(F)=C(F)C(=C(C#N)C#N)C(F)=C1F",
    "selenophene": "c1ccc(-c2cc3[se]ccc3s2)[se]1",
    "dithienosilole": "C[Si]1(C)c2ccsc2-c2sccc21",
    "dithienogermole": "C[Ge]1(C)c2ccsc2-c2sccc21",
    "borepin": "Cc1cc(C)c(B2C=Cc3ccccc3C=C2)c(C)c1",
    "phosphole oxide": "O=P1(c2ccccc2)c2ccsc2-c2sccc21",
    "phosphole": "C1=CP(c2ccccc2)C=C1",
    "sulfone": "O=S1(=O)c2ccccc2-c2ccccc21",
    "sulfoxide": "CS(=O)c1ccccc1",
    "SF5": "FS(F)(F)(F)(F)c1ccccc1",
    "DNTT": "c1ccc2cc3c(cc2c1)sc1c3sc2cc3ccccc3cc12",
    "rubrene": "c1ccc(-c2c3ccccc3c(-c3ccccc3)c3c(-c4ccccc4)c4ccccc4c(-c4ccccc4)c23)cc1",
    "truxene": "C1c2ccccc2-c2c1c1c(c3c2Cc2ccccc2-3)Cc2ccccc2-1",
    "indolizine": "c1ccn2cccc2c1",
    "carbazole, N-phenyl": "c1ccc(-n2c3ccccc3c3ccccc32)cc1",
    "carbazole, NH": "c1ccc2c(c1)[nH]c1ccccc12",
    "cyanine": "CN1C(=CC=CC2=[N+](C)c3ccccc3C2(C)C)C(C)(C)c2ccccc21",
    "acridinium": "C[n+]1c2ccccc2cc2ccccc21",
    "pyrylium": "c1ccc(-c2cc(-c3ccccc3)[o+]c(-c3ccccc3)c2)cc1",
    "cycloparaphenylene": "c1cc2ccc1-c1ccc(cc1)-c1ccc(cc1)-c1ccc(cc1)-c1ccc(cc1)-c1ccc-2cc1",
    "paracyclophane": "C1Cc2ccc(cc2)CCc2ccc1cc2",
    "triptycene": "c1ccc2c(c1)C1c3ccccc3C2c2ccccc21",
    "adamantane": "C1C2CC3CC1CC(C2)C3",
    "quinacridone": "O=c1c2ccccc2[nH]c2cc3c(=O)c4ccccc4[nH]c3cc12",
    "tropone": "O=c1cccccc1",
    "steroid (substituted ring fusions)": "CC12CCC3C(CCC4CC(O)CCC34C)C1CCC2",
    "propellane": "C1CC23CCCC2(C1)CCC3",
    "azide": "[N-]=[N+]=Nc1ccccc1",
    "diazonium": "N#[N+]c1ccccc1",
    "viologen": "C[n+]1ccc(-c2cc[n+](C)cc2)cc1",
    "allene": "C=C=C",
}
