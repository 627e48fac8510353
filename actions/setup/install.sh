#!/usr/bin/env bash
# Installs plumb and puts it on the path of the steps that follow. PLUMBLINE_VERSION: an exact version of the registry; empty: this checkout.
# No package's install script is run: what runs a model comes whole, and the rest is JavaScript.
set -euo pipefail

fail() {
  printf '::error::%s\n' "$1"
  exit 1
}

# an earlier step of this job has installed the same: what the runner calls temporary is empty when a job begins
bin=$RUNNER_TEMP/plumbline-bin
installed() { [[ $(readlink "$bin/plumb") == "$plumb" ]]; }

version=${PLUMBLINE_VERSION:-}
[[ $(node --version) =~ ^v(2[4-9]|[3-9][0-9])\. ]] || fail "plumb needs Node 24 or newer, here is $(node --version)"

if [[ -n $version ]]; then
  # a range or a tag would be another program tomorrow; an address would be anything
  [[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]] || fail 'the input version is not an exact version such as 0.1.0'
  home=$RUNNER_TEMP/plumbline-$version
  plumb=$home/node_modules/plumbline/bin/plumb.js
  mkdir -p "$home"
  # an own project: a package.json of the repository above would take part otherwise
  printf '{ "private": true }\n' > "$home/package.json"
  installed || npm install --prefix "$home" --save-exact --ignore-scripts --no-audit --no-fund --omit=dev -- "plumbline@$version"
else
  checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
  plumb=$checkout/bin/plumb.js
  # npm would follow a link that an earlier job left here, and empty what is behind it
  installed || [[ ! -L $checkout/node_modules ]] || rm "$checkout/node_modules"
  lock=$(node -e 'process.stdout.write(crypto.createHash("sha256").update(fs.readFileSync(process.argv[1])).digest("hex").slice(0, 16))' "$checkout/package-lock.json")
  ready=${RUNNER_TOOL_CACHE:-/nowhere}/plumbline/modules-$lock
  # an image of a machine may bring what npm would install
  if installed; then
    :
  elif [[ -f $ready/complete ]]; then
    ln -s "$ready/node_modules" "$checkout/node_modules"
  else
    npm ci --prefix "$checkout" --ignore-scripts --no-audit --no-fund --omit=dev
  fi
fi

mkdir -p "$bin"
ln -sf "$plumb" "$bin/plumb"
printf '%s\n' "$bin" >> "$GITHUB_PATH"
printf 'version=%s\n' "$("$bin/plumb" --version)" >> "$GITHUB_OUTPUT"
# what a later step finds on its path may have been put there by a stage
printf 'plumb=%s\n' "$plumb" >> "$GITHUB_OUTPUT"
