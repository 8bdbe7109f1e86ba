"""The key that the databases of tests are encrypted with."""

from core.crypto import Vault

SECRET = "a secret for tests only"
VAULT = Vault(SECRET)
