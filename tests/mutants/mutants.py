"""All mutants."""

from .calling import CALLING
from .keeping import KEEPING
from .settling import SETTLING

MUTANTS = (*CALLING, *SETTLING, *KEEPING)
