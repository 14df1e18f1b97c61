#!/usr/bin/env bash
# Makes the snippet that the collector serves out of its source. Needs Node (npx fetches terser).
# The first line names the source by its hash, so that a test can tell when this was forgotten.
set -euo pipefail
cd "$(dirname "$0")/../../streams/collector/static"
hash=$(sha256sum snippet.js | cut -c1-16)
{
    echo "/*leadstreams $hash*/"
    npx --yes terser@5.51.2 snippet.js --ecma 5 --compress passes=3,unsafe_arrows=false --mangle --comments false
} > snippet.min.js.new
mv snippet.min.js.new snippet.min.js
wc -c snippet.min.js
