"""The ways to a provider, and the only place where litellm is imported.

What litellm reads of the environment at its import is set here, before any module of this package can import it.
"""

import os

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it fetches its price map from the internet
os.environ["LITELLM_MODE"] = "PRODUCTION"  # else it loads a stray .env file
