"""A rule-based proposal of how a molecule could be made: the couplings of the field, taken apart backwards.

It is no retrosynthesis: nothing is looked up in a catalogue, no yield or selectivity is predicted, and a chemist
decides.
"""

from heliosc.chemistry.disconnection.route import Disconnection, Step, disconnect

__all__ = ["Disconnection", "Step", "disconnect"]
