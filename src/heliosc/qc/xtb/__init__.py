"""GFN2-xTB and IPEA1-xTB: the embedded tblite engine, and the xtb program as an optional accelerator."""
