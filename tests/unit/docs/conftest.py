"""What the tests of the documentation share is on their import path."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
