"""How good a generator is: on molecules that it has not seen, and on molecules that it makes up."""
