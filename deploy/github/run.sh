#!/usr/bin/env bash
# Run one command of reconciler on a GitHub runner: pages into a folder, summary, annotations and outputs.
# In the environment: COMMAND, POLICIES, BASE, REQUIRE_REVIEWED, LIVE, SNAPSHOT, CODER_URL and CODER_SESSION_TOKEN.
set -euo pipefail

folder=$1
here=$(dirname "$0")
mkdir -p "$folder"
read -r -a policies <<< "${POLICIES:-policies}"

# Whether a whole clone does not have a commit: is_unknown BASE
is_unknown() {
  [[ ! -e "$1" && "$(git rev-parse --is-shallow-repository 2> /dev/null)" == false ]] &&
    ! git cat-file -e "$1^{commit}" 2> /dev/null
}

base=()
if [[ "$COMMAND" == apply && -n "${BASE:-}" ]] && is_unknown "$BASE"; then
  echo "::notice title=AI budgets::The commit before this push is not in the clone (a force push, or a new branch)," \
    "so nothing tells this change from what differs for another reason."
elif [[ -n "${BASE:-}" ]]; then
  base=(--base "$BASE")
fi

target=(-o "$folder/ai-budgets.plan")
live=()
if [[ "${LIVE:-false}" == true && "$COMMAND" == plan ]]; then
  if [[ -s "$folder/live.json" ]]; then
    live=(--live "$folder/live.json")
    target=() # a plan of a snapshot cannot be applied
  else # no drift run has left one yet
    COMMAND=validate
  fi
fi

# report.py gets no token for Coder, and imports what lies beside it and nothing of the checkout: report ARGUMENT...
report() {
  env -u CODER_SESSION_TOKEN -u CODER_HEADER python3 -Es "$here/report.py" "$@"
}

# Make a page in each format in the one run, also when it is refused or fails: page NAME ARGUMENT...
# `--save github` writes the summary, too, and the outputs of a plan.
page() {
  local name=$1 code=0
  shift
  reconciler "$@" \
    --save "markdown=$folder/$name.md" --save "github=$folder/$name.annotations" \
    --save "html=$folder/$name.html" --save "json=$folder/$name.json" || code=$?
  annotate "$name"
  return "$code"
}

# Print the annotations of a page, without its text, which the log has already: annotate NAME
annotate() {
  if [[ -s "$folder/$1.annotations" ]]; then
    grep '^::' "$folder/$1.annotations" || true
  fi
}

# What report.py found out beforehand: a run of an older commit, started again or late in the queue, would take back what a
# newer one has set. Say so, and that nothing is written: not_outdated error|warning
not_outdated() {
  local text
  if [[ -s "$folder/outdated.txt" ]]; then
    text=$(< "$folder/outdated.txt")
    echo "::$1 title=AI budgets::$text"
    printf '> [!CAUTION]\n> %s\n' "$text" | tee -a "$GITHUB_STEP_SUMMARY" > "$folder/apply.md"
    return 3
  fi
}

output() {
  printf '%s=%s\n' "$1" "$2" >> "$GITHUB_OUTPUT"
}
output folder "$folder" # first: the journal of a run that is cancelled is kept, too

finish() {
  output exit-code "$1"
  report facts "$folder" >> "$GITHUB_OUTPUT"
  exit "$2"
}

code=0
case "$COMMAND" in
  validate)
    reconciler validate "${policies[@]}" --save "github=$folder/validate.annotations" --save "markdown=$folder/validate.md" || code=$?
    annotate validate
    ;;
  plan)
    page plan plan "${policies[@]}" "${base[@]}" "${live[@]}" "${target[@]}" || code=$?
    ;;
  apply)
    not_outdated error || code=$?
    if [[ $code == 0 ]]; then
      page plan plan "${policies[@]}" "${base[@]}" "${target[@]}" || code=$?
    fi
    if [[ $code == 1 && -s "$folder/ai-budgets.plan" && -s "$folder/plan.json" ]]; then
      code=0 # an entry cannot be applied, or something could not be read: the apply does the rest, and says so
    fi
    if [[ $code == 0 && "${REQUIRE_REVIEWED:-true}" == true ]]; then
      report compare "$folder" || code=$?
    fi
    if [[ $code == 0 ]]; then
      page apply apply "$folder/ai-budgets.plan" --auto-approve --journal "$folder/journal.jsonl" || code=$?
    fi
    ;;
  due)
    if not_outdated warning; then # else the run of the newer policy, and the next hour, do what is due
      page apply apply "${policies[@]}" --due --auto-approve --journal "$folder/journal.jsonl" || code=$?
    fi
    ;;
  drift)
    page drift drift "${policies[@]}" "${base[@]}" || code=$?
    if [[ "${SNAPSHOT:-false}" == true && ($code == 0 || $code == 2) ]]; then
      reconciler snapshot -o "$folder/live.json"
    fi
    if [[ $code == 2 ]]; then # the issue tells it; the job did its work
      echo "::warning title=AI budgets::Live budgets differ from the policy."
      finish 2 0
    fi
    ;;
  *)
    echo "::error title=AI budgets::There is no command '$COMMAND': validate, plan, apply, due or drift"
    code=1
    ;;
esac
finish "$code" "$code"
