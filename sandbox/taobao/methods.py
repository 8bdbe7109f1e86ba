"""The table of methods: what every noun's module exports as `METHODS`. A method not in here does not exist."""

from . import auth
from .call import Api

METHODS: dict[str, Api] = {**auth.METHODS}
