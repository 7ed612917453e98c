#!/usr/bin/env bash
# Upload the media files that changed between two commits, and write what happened to upload.json.
#
#   upload-changed.sh FOLDER [BASE] [HEAD]
#
# Without BASE, or when BASE is not in this clone (a first push, a shallow clone, a forced push), the
# whole folder is offered: what is in the library already is recognised and not sent again. So a
# missed run is caught up by the next one.
set -euo pipefail

folder=${1:?the folder that holds the media}
base=${2:-}
head=${3:-HEAD}

vidctl init --no-input

names() {
  # Zeros between the names: a title may hold spaces, quotes, even line breaks.
  git diff --name-only -z --diff-filter=AMR "$base" "$head" -- "$folder"
}

set +e
if [[ -n $base && ! $base =~ ^0+$ ]] && git cat-file -e "$base^{commit}" 2>/dev/null; then
  if [[ -z $(names | tr -d '\0') ]]; then
    echo "no media changed in $folder" >&2
    exit 0
  fi
  names | vidctl upload - --jobs 4 --no-input --json >upload.json
else
  vidctl upload "$folder" --jobs 4 --no-input --json >upload.json
fi
code=$?
set -e

# 3: some files failed, the others are in the library. Say which, and fail the job.
jq -r '.errors[] | "\(.item): \(.message)"' upload.json >&2
exit "$code"
