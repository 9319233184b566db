"""All mutants. A patch that no longer fits fails `tests/unit/test_mutants.py`: adapt it."""

from tests.mutants.of_access import ACCESS_MUTANTS
from tests.mutants.of_amounts import AMOUNT_MUTANTS
from tests.mutants.of_carrying import CARRYING_MUTANTS
from tests.mutants.of_cluster import CLUSTER_MUTANTS
from tests.mutants.of_daemon import DAEMON_MUTANTS
from tests.mutants.of_digest import DIGEST_MUTANTS
from tests.mutants.of_escrow import ESCROW_MUTANTS
from tests.mutants.of_freeze import FREEZE_MUTANTS
from tests.mutants.of_gate import GATE_MUTANTS
from tests.mutants.of_hardening import HARDENING_MUTANTS
from tests.mutants.of_http import HTTP_MUTANTS
from tests.mutants.of_lint import LINT_MUTANTS
from tests.mutants.of_posting import POSTING_MUTANTS
from tests.mutants.of_repair import REPAIR_MUTANTS
from tests.mutants.of_scanning import SCANNING_MUTANTS
from tests.mutants.of_watch import WATCH_MUTANTS

MUTANTS = (
    *CARRYING_MUTANTS,
    *POSTING_MUTANTS,
    *AMOUNT_MUTANTS,
    *SCANNING_MUTANTS,
    *DIGEST_MUTANTS,
    *CLUSTER_MUTANTS,
    *ESCROW_MUTANTS,
    *HTTP_MUTANTS,
    *DAEMON_MUTANTS,
    *ACCESS_MUTANTS,
    *WATCH_MUTANTS,
    *REPAIR_MUTANTS,
    *FREEZE_MUTANTS,
    *HARDENING_MUTANTS,
    *GATE_MUTANTS,
    *LINT_MUTANTS,
)
