#!/bin/sh
# The script that an administrator writes first: curl and jq, one request after another. Argument: a file of paths.
# It compares nothing; it only picks the limits out of the answers.
while read -r path; do
  curl --silent --header "Coder-Session-Token: $CODER_SESSION_TOKEN" "$CODER_URL$path" |
    jq --compact-output '.members? // .groups? // empty' > /dev/null
done < "$1"
