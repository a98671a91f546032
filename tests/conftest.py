"""Settings of the test run."""

import os

from hypothesis import settings

# CI must not fail by chance on a commit that changes nothing; a user's run looks further each time.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("default", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "default")
