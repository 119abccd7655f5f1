"""What it was measured on: the machine, the versions, the method."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from importlib.metadata import Distribution, version
from pathlib import Path

import yaml

from bench import litellm_proxy, rows
from bench.measure import Size
from bench.targets import PORTKEY
from tests.support.gateway import ROOT


def facts() -> dict[str, str]:
    """Names and values, in the order in which they are shown."""
    found = {
        "machine": f"{os.cpu_count()} cores, {_cpu()}, {_memory_gb():.0f} GB, {platform.system()} {platform.machine()}",
        "load before": f"{os.getloadavg()[0]:.1f}, which adds to every figure; ratios suffer less",
        "python": platform.python_version(),
        "litellm": f"{version('litellm')} here, {_proxy_version('litellm')} the proxy",
        "uvloop": f"{version('uvloop')} here, {_proxy_version('uvloop')} the proxy",
        "node": _node(),
        "portkey": _portkey(),
        "lane": f"{_setting('lane')}; a plain call goes to its provider as: {_setting('plain')}",
    }
    return {name: value for name, value in found.items() if value}


def method(size: Size) -> list[str]:
    """How it was measured, for whoever reads the table."""
    callers = " and ".join(str(count) for count in rows.CALLERS)
    plain = "This gateway asks for a stream even where its caller did not; the others do not."
    return [
        f"One worker each, on one machine beside its load: {callers} callers that keep their connections and ask one "
        "request after another. Every reply is checked to be a 200, whole, and to hold the provider's text.",
        f"{size.rounds} rounds of {size.seconds:g} s, of plain chat and {rows.IVY} by many callers "
        f"{size.close_rounds}, the targets one after another, in an order that turns round with every round. Figures "
        "are medians of the rounds; a ratio is the median of each round's ratio; p99 is of all rounds together.",
        "Added latency is the target's percentile less that of the same provider asked directly. CPU is that of all "
        "of the target's processes.",
        "The provider answers at once from prepared bytes: a text of 20 tokens, whole, or in 20 chunks of one token, "
        "each written by itself." + (f" {plain}" if _setting("plain") == "stream" else ""),
        "This gateway runs as shipped with all policies, its log and a key, its per-user limits raised. LiteLLM's "
        "proxy runs in its production mode, errors logged only, with a key and no database. Portkey is configured by "
        "each request's header, as it wants it. All have one retry and the same fallback.",
        f"{rows.IVY} has no counterpart: there the others are asked on their chat route for what an application "
        "would ask by itself, with the same prompt, data and schema. They check, remember and shape nothing.",
        "Mixed requests: plain and streamed, both wires, conversational and modal, of 1,000 users; a tenth goes to "
        "models that always fail, and another answers.",
    ]


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or "unknown CPU")


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9


def _proxy_version(name: str) -> str:
    """Of a package in the proxy's environment."""
    folder = litellm_proxy.BINARY.parents[1] / "lib"
    found = list(folder.glob(f"python*/site-packages/{name}-*.dist-info"))
    return Distribution.at(found[0]).version if found else "none in"


def _node() -> str:
    if shutil.which("node") is None:
        return ""
    return subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()


def _portkey() -> str:
    file = PORTKEY / "package.json"
    if not file.exists():
        return ""
    return str(json.loads(file.read_text())["version"])


def _setting(name: str) -> str:
    settings = yaml.safe_load((ROOT / "config" / "gateway.yaml").read_text())
    return str(settings["upstream"][name])
