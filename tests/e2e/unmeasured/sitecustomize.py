"""Read by a measured `crawler` when its interpreter starts: what it starts itself is not measured.

Coverage takes a tenth of a second to start in each process and slows it by half, and what readers do is measured by the
tests that read pages in their own process. `Stage.start` puts this folder on the path.
"""

import os

os.environ.pop("COVERAGE_PROCESS_CONFIG", None)
