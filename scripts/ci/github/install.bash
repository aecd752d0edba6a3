#!/usr/bin/env bash
# Installs docker-credential-acr for the steps of a job, and configures registries. The action runs it on Linux, macOS and
# Windows, there in Git Bash.

# No word of the registries is a pattern.
set -feuo pipefail

# The action is at home in a checkout of its version, which knows where that is published.
read_manifest() {
  sed -n "s/^  \"$1\": \"\\(.*\\)\",\$/\\1/p" "$action_path/../../../package.json"
}

# Git Bash has paths of its own; other programs get those of Windows.
to_shell_path() { if [[ $RUNNER_OS == Windows ]]; then cygpath -u "$1"; else printf '%s\n' "$1"; fi; }
to_system_path() { if [[ $RUNNER_OS == Windows ]]; then cygpath -w "$1"; else printf '%s\n' "$1"; fi; }

action_path=$(to_shell_path "$GITHUB_ACTION_PATH")
version=${VERSION:-$(read_manifest version)}
version=${version#v}
from=${FROM:-$(read_manifest homepage)/releases/download/v$version}
folder=$(to_shell_path "$RUNNER_TEMP")/docker-credential-acr
mkdir -p "$folder"

case $from in
  *://*) curl -fsSL --proto =https --tlsv1.2 --retry 3 -o "$folder/install.sh" "$from/install.sh" ;;
  *) cp "$from/install.sh" "$folder/install.sh" ;;
esac

arguments=(--version "$version" --from "$from" --dir "$folder")
for registry in ${REGISTRIES:-}; do arguments+=(--configure "$registry"); done
PATH=$folder:$PATH sh "$folder/install.sh" "${arguments[@]}"

program=$folder/docker-credential-acr
if [[ $RUNNER_OS == Windows ]]; then program+=.exe; fi
to_system_path "$folder" >>"$GITHUB_PATH"
printf 'version=%s\npath=%s\n' "$version" "$(to_system_path "$program")" >>"$GITHUB_OUTPUT"
