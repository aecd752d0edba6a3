#!/bin/sh
# Runs the executable of an archive as a client does that has no registry of Azure: sh scripts/release/smoke.sh ARCHIVE
set -eu

archive=$1
name=${archive##*/}
version=${name#docker-credential-acr-}
version=${version%%-*}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
case $archive in
  *.zip) unzip -q "$archive" -d "$folder" ;;
  *) tar -xf "$archive" -C "$folder" ;;
esac
program=$(find "$folder" -type f \( -name docker-credential-acr -o -name docker-credential-acr.exe \))

# Compares what the program prints, and how it ends, with what a client expects.
try() {
  arguments=$1 input=$2 wanted_code=$3 wanted=$4
  code=0
  printed=$(printf '%s' "$input" | "$program" "$arguments") || code=$?
  echo "$arguments: exit code $code, $printed"
  case $printed in
    $wanted) [ "$code" = "$wanted_code" ] && return ;;
  esac
  echo "error: expected exit code $wanted_code and $wanted" >&2
  exit 1
}

try version '' 0 "docker-credential-acr (docker-credential-acr) v$version, *"
try list '' 0 '{*}'
try get registry.example.com 1 'credentials not found in native keychain*'
