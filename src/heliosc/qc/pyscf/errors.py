"""PySCF's exceptions, classed by remedy. An SCF that did not converge raises none: that is checked where it runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from heliosc.errors import HelioscError, InputError, MissingDependencyError, ParseError, ResourceError


@contextmanager
def classified_errors(what: str) -> Iterator[None]:
    """Run PySCF code; its exceptions leave as heliosc's.

    Parameters
    ----------
    what : the calculation in words, for the message

    Raises
    ------
    InputError : unknown basis, functional or solvent, or a combination that PySCF does not have
    ResourceError : not enough memory
    MissingDependencyError : an optional part of PySCF is not installed
    """
    try:
        yield
    except HelioscError:
        raise
    except MemoryError as error:
        raise ResourceError(f"{what}: PySCF ran out of memory; raise memory_gb or take a smaller basis") from error
    except ImportError as error:
        raise MissingDependencyError(f"{what}: {error}; install it: pip install pyscf-dispersion") from error
    except NotImplementedError as error:
        raise InputError(f"{what}: PySCF cannot do this ({error}); choose another functional or program") from error
    except (KeyError, ValueError, RuntimeError) as error:
        raise _classified(error, what) from error


def _classified(error: Exception, what: str) -> HelioscError:
    text = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    if type(error).__name__ == "BasisNotFoundError":
        return InputError(f"{what}: basis not known to PySCF or not for every element ({text}); choose another basis")
    if isinstance(error, KeyError) or "Unknown" in text or "unknown" in text:
        return InputError(f"{what}: a name is not known to PySCF ({text}); check functional, dispersion and solvent")
    if "Electron number" in text or "spin" in text:
        return InputError(f"{what}: charge and multiplicity contradict the electron count ({text})")
    if "not supported" in text:
        return InputError(f"{what}: PySCF cannot do this ({text}); choose another basis, functional or solvent model")
    if "memory" in text.lower():
        return ResourceError(f"{what}: {text}; raise memory_gb")
    return ParseError(f"{what}: PySCF failed with an error that heliosc does not know: {text}")
