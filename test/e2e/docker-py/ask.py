"""Asks a credential helper through Docker's client library for Python; JSON on stdin and stdout.

    ask.py resolve HOST | all | store | get HOST | erase HOST | list
"""

import json
import sys

from docker import auth
from docker.credentials import CredentialsNotFound, Store, StoreError
from docker.errors import DockerException

PROGRAM = "acr"


def ask(verb, *words):
    if verb == "resolve":
        return auth.resolve_authconfig(auth.load_config(), registry=words[0])
    if verb == "all":
        return auth.load_config().get_all_credentials()
    store = Store(PROGRAM)
    if verb == "store":
        given = json.load(sys.stdin)
        return store.store(given["ServerURL"], given["Username"], given["Secret"]).decode()
    if verb == "get":
        return store.get(words[0])
    if verb == "erase":
        return store.erase(words[0])
    if verb == "list":
        return store.list()
    raise ValueError(verb)


try:
    print(json.dumps(ask(*sys.argv[1:])))
except CredentialsNotFound:
    print(json.dumps({"error": "CredentialsNotFound"}))
except (StoreError, DockerException) as error:
    print(json.dumps({"error": type(error).__name__, "message": str(error)}))
