"""The engine: HTTP, LiteLLM, breaker, limits, observability. It knows no product."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("ivy-gateway")
except PackageNotFoundError:  # run from the tree, as `make run` does
    __version__ = "0.1.0"
