#!/usr/bin/env bash
# Put `reconciler` on the PATH of this job: a release, or the code beside this file at the commit that the workflow pins.
# Libraries come at the versions and hashes of deploy/requirements.txt, and what builds the package at those of
# deploy/build-requirements.txt; nothing of the job's own Python is changed.
set -euo pipefail

if [[ -n "${RECONCILER_INSTALLED:-}" ]]; then # set where an image has it already
  exit 0
fi
unset CODER_SESSION_TOKEN CODER_HEADER # pip runs what it builds with; a token set for the whole job is none of its business
root=$(cd "$(dirname "$0")/../.." && pwd)
venv="$RUNNER_TEMP/reconciler-venv"
# -I: no module of the checkout, which is the working directory, is imported
python3 -I -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "::error title=AI budgets::Python 3.11 or newer is needed; add actions/setup-python before this step"
  exit 1
}
python3 -I -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r "$root/deploy/requirements.txt"
if [[ -n "${VERSION:-}" ]]; then
  "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --only-binary :all: "coder-budget-reconciler==$VERSION"
else # built by what is pinned, outside of the folder that runs; pip would else fetch the newest of what builds
  build="$RUNNER_TEMP/reconciler-build"
  rm -rf "$build"
  python3 -I -m venv "$build"
  "$build/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r "$root/deploy/build-requirements.txt"
  "$build/bin/pip" wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir "$build/wheels" "$root"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --no-index "$build"/wheels/*.whl
fi
echo "$venv/bin" >> "$GITHUB_PATH"
