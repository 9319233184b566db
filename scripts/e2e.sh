#!/usr/bin/env bash
# The end-to-end sequence against a running daemon, each call by curl as a person would write it:
# credits, a trade released, a trade cancelled, and a full check after each step. It stops at the
# first check that is not healthy.
#
#   scripts/e2e.sh [URL]        default http://127.0.0.1:8080
#
# The daemon needs api.test_endpoints and api.escrow_endpoints. Where it wants a token, give one with
# the scopes check, test, escrow and repair:propose in RECONCILER_TOKEN.
# Not on `make demo`: that exchange is drifted on purpose, and the first check stops it.
# Exit: 0 all healthy, 3 a check was not, 1 a call was not answered as it must be, 2 wrong usage.
set -euo pipefail

case "${1-}" in
-h | --help)
    sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0"
    exit 0
    ;;
-*)
    echo "e2e: unknown option $1; see e2e.sh --help" >&2
    exit 2
    ;;
esac
HOST=${1:-http://127.0.0.1:8080}
HOST=${HOST%/}
case $HOST in
http://* | https://*) ;;
*)
    echo "e2e: $HOST is no address: it begins with http:// or https://" >&2
    exit 2
    ;;
esac
command -v curl >/dev/null || { echo "e2e: curl is needed and was not found" >&2; exit 2; }

# In a file and not on the command line, where everybody on the machine could read the token.
private=$(mktemp)
trap 'rm -f "$private"' EXIT
if [ -n "${RECONCILER_TOKEN:-}" ]; then
    printf 'header = "Authorization: Bearer %s"\n' "$RECONCILER_TOKEN" >"$private"
fi
curl() { command curl --silent --show-error --max-time 60 --noproxy '*' --config "$private" --write-out '\n%{http_code}' "$@"; }

# Names of its own, so that it can be run again on the same database.
run=$(date +%s)-$$
ALICE=e2e-alice-$run
BOB=e2e-bob-$run

step() {
    echo "== $1"
    shift
    answer=$("$@") || { echo "e2e: no answer from $HOST: is the daemon running there?" >&2; exit 1; }
    status=${answer##*$'\n'}
    body=${answer%$'\n'*}
    echo "$body"
}

expect() {
    if [ "$status" != 200 ] || { [ -n "${1-}" ] && ! grep -q -- "$1" <<<"$body"; }; then
        echo "e2e: that is not what must come (HTTP $status${1:+, expected $1})" >&2
        [ "$status" != 404 ] || echo "e2e: the daemon needs api.test_endpoints = true and api.escrow_endpoints = true" >&2
        exit 1
    fi
}

healthy() {
    step "check: $1" curl "$HOST/api/integrity/check"
    case $status in
    200 | 500 | 503) ;;
    401 | 403)
        echo "e2e: not let in (HTTP $status): give a token with the scopes check, test, escrow and repair:propose in RECONCILER_TOKEN" >&2
        exit 1
        ;;
    *)
        echo "e2e: that is no answer of a check (HTTP $status): is $HOST the daemon's address?" >&2
        exit 1
        ;;
    esac
    if [ "$status" != 200 ] || ! grep -q '"status": "healthy"' <<<"$body"; then
        echo "e2e: stopped: the check after '$1' is not healthy (HTTP $status)" >&2
        exit 3
    fi
}

field() { sed -n "s/.*\"$1\": \"\([^\"]*\)\".*/\1/p" <<<"$body"; }

healthy "before anything"

step "credit 0.001 BTC" curl -X POST "$HOST/api/test/credit" -d "{\"user_id\": \"$ALICE\", \"currency\": \"BTC\", \"amount\": 0.001}"
expect '"Success": true'
healthy "the first credit"

step "credit 0.05 ETH" curl -X POST "$HOST/api/test/credit" -d "{\"user_id\": \"$ALICE\", \"currency\": \"ETH\", \"amount\": 0.05}"
expect '"ETH": 0.05'
healthy "the second credit"

step "create a trade" curl -X POST "$HOST/api/p2p/create-trade" -d "{\"seller_id\": \"$ALICE\", \"buyer_id\": \"$BOB\", \"currency\": \"BTC\", \"amount\": \"0.0004\", \"fee_bps\": 100}"
expect '"trade_id"'
trade=$(field trade_id)
healthy "the trade was created"

step "release the crypto" curl -X POST "$HOST/api/p2p/release-crypto" -d "{\"trade_id\": \"$trade\"}"
expect '"released"'
healthy "the release"

step "release it again: one effect" curl -X POST "$HOST/api/p2p/release-crypto" -d "{\"trade_id\": \"$trade\"}"
expect '"released"'
healthy "the second release"

step "create another trade" curl -X POST "$HOST/api/p2p/create-trade" -d "{\"seller_id\": \"$ALICE\", \"buyer_id\": \"$BOB\", \"currency\": \"BTC\", \"amount\": 0.0001}"
expect '"trade_id"'
trade=$(field trade_id)
healthy "the second trade was created"

step "cancel it" curl -X POST "$HOST/api/p2p/cancel-trade" -d "{\"trade_id\": \"$trade\"}"
expect '"cancelled"'
healthy "the cancellation"

step "what the seller holds" curl "$HOST/api/integrity/check?user_id=$ALICE"
expect '"checked_balances": 2'

step "sync-all finds nothing to do" curl -X POST "$HOST/api/integrity/sync-all" -d "{\"user_id\": \"$ALICE\", \"reason\": \"end-to-end test\"}"
expect '"applied": false'
healthy "everything"

echo "== all steps done, every check healthy"
