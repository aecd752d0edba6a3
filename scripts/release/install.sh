#!/bin/sh
# Installs docker-credential-acr on Linux and macOS. `sh install.sh --help` tells the options.
#
# It runs in any POSIX shell. The shell reads everything between the first brace and the last before it does anything: where
# half a script arrives, that is a syntax error.
{

set -eu

# The release puts its own values between these quotes.
VERSION=''
RELEASES_URL=''
# The lines of SHA256SUMS for the archives of this version.
SUMS=''
# Public keys, if the release is signed: minisign's line, and a PEM for cosign.
MINISIGN_KEY=''
COSIGN_KEY=''

PROGRAM='docker-credential-acr'
LIBRARY='libatomic.so.1'
OLDEST_GLIBC_MINOR=28

print_help() {
  cat <<HELP
Installs $PROGRAM $VERSION, or removes it.

Usage: sh install.sh [options]
       curl -fsSL $RELEASES_URL/v$VERSION/install.sh | sh -s -- [options]

  --dir DIR             the folder for the program; /usr/local/bin if you can write to it, else ~/.local/bin
  --configure REGISTRY  let docker, podman and helm use it for this registry; can be repeated
  --version VERSION     another version than $VERSION
  --from PLACE          where the files of the release are: an https URL or a folder
  --timeout SECONDS     give up when nothing arrives for so long; 30 by default
  --dry-run             say what would be done, and do nothing
  --uninstall           remove what this script installed in the folder
  --help                this text

In a folder named bin, the manual page and the completions go to share beside it.
HELP
}

main() {
  version=$VERSION
  dir=''
  from=''
  registries=''
  timeout_seconds=30
  dry_run=no
  action=install
  work=''
  stage=''
  first_missing=''
  half_file=''
  [ -n "$VERSION" ] || fail 'This is only the template of the script' 'get the one of a release'
  parse_options "$@"
  choose_dir
  if [ "$action" = uninstall ]; then
    uninstall
  else
    install_program
  fi
}

parse_options() {
  while [ $# -gt 0 ]; do
    case $1 in
      --*=*)
        option_value=${1#*=}
        option_name=${1%%=*}
        shift
        set -- "$option_name" "$option_value" "$@"
        ;;
    esac
    case $1 in
      --version | --dir | --from | --configure | --timeout)
        if [ $# -lt 2 ] || [ -z "$2" ]; then refuse "$1 needs a value"; fi
        set_option "$1" "$2"
        shift 2
        ;;
      --dry-run) dry_run=yes && shift ;;
      --uninstall) action=uninstall && shift ;;
      --help | -h)
        print_help
        exit 0
        ;;
      *) refuse "there is no option $1" ;;
    esac
  done
}

set_option() {
  case $2 in
    *'
'*) refuse "the value of $1 has more than one line" ;;
  esac
  case $1 in
    --version)
      version=${2#v}
      case $version in
        *[!0-9A-Za-z.+-]* | [!0-9]* | '') refuse "$2 is not a version" ;;
      esac
      ;;
    --dir)
      # Few shells replace the tilde of --dir=~/bin.
      case $2 in
        \~ | \~/*)
          [ -n "${HOME:-}" ] || refuse "$2 means nothing: HOME is not set"
          dir=$HOME${2#\~}
          ;;
        *) dir=$2 ;;
      esac
      ;;
    --from) from=$2 ;;
    --configure)
      case $2 in
        *[!0-9A-Za-z.:_/-]* | -*) refuse "$2 is not a registry" ;;
      esac
      registries="$registries $2"
      ;;
    --timeout)
      case $2 in
        *[!0-9]* | 0* | ??????*) refuse "$2 is not a number of seconds" ;;
      esac
      timeout_seconds=$2
      ;;
  esac
}

# Sets `dir`, an absolute path, and `list`, the file that names what was installed there.
choose_dir() {
  is_default_dir=no
  system=$(uname -s)
  case $system in
    MINGW* | MSYS* | CYGWIN* | Windows*)
      [ -n "$dir" ] || fail 'On Windows, this script installs only into a folder that you name' \
        "use Scoop or winget, or name one with --dir"
      ;;
  esac
  if [ -z "$dir" ]; then
    is_default_dir=yes
    if [ "$(id -u)" = 0 ] || [ -w /usr/local/bin ]; then
      dir=/usr/local/bin
    elif [ -n "${HOME:-}" ]; then
      dir=$HOME/.local/bin
    else
      fail 'There is no home folder to install into: HOME is not set' 'name a folder with --dir'
    fi
  fi
  case $dir in
    /*) ;;
    *) dir=$PWD/$dir ;;
  esac
  case $dir in
    *'
'*) fail 'The name of the folder has more than one line' 'name another folder with --dir' ;;
  esac
  while [ "$dir" != "${dir%/}" ]; do dir=${dir%/}; done
  [ -n "$dir" ] || dir=/.
  list=$dir/.$PROGRAM.files
}

# Sets `prefix`, the folder above a folder that is really named bin, whatever links there are in `dir`; else nothing.
find_prefix() {
  prefix=''
  case $system in
    MINGW* | MSYS* | CYGWIN* | Windows*) return 0 ;;
  esac
  real_dir=$(cd "$dir" && pwd -P)
  case $real_dir in
    */bin) prefix=${real_dir%/bin} ;;
  esac
}

install_program() {
  find_target
  choose_place
  executable=$dir/$PROGRAM$suffix
  check_dir
  choose_archive
  if [ "$dry_run" = yes ]; then
    say "Would install $PROGRAM $version for $target in $dir, from $shown_place/$archive"
    for registry in $registries; do say "Would configure $registry"; done
    return
  fi
  find_downloader
  trap clean_up EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 141' PIPE
  trap 'exit 143' TERM
  umask 077
  work=$(mktemp -d "${TMPDIR:-/tmp}/$PROGRAM.XXXXXX") || fail "Cannot create a temporary folder in ${TMPDIR:-/tmp}"
  case $work in
    /*) ;;
    *) work=$PWD/$work ;;
  esac
  say "Getting $PROGRAM $version for $target from $shown_place"
  find_sum
  download "$archive"
  check_archive
  unpack
  try_program
  put_in_place
  say "Installed $executable ($checked)"
  check_path
  configure
}

# Sets `target`, the platform as the release names it.
find_target() {
  processor=$(uname -m)
  suffix=''
  case $system in
    Linux) platform=linux ;;
    Darwin) platform=macos ;;
    MINGW* | MSYS* | CYGWIN* | Windows*)
      platform=windows
      suffix=.exe
      # An x64 shell that is emulated names the real processor here.
      case $system in *ARM64*) processor=arm64 ;; esac
      ;;
    *) fail "There is no executable for $system" "$(advise_npm)" ;;
  esac
  # A shell that Rosetta translates calls the processor x86_64.
  if [ "$platform" = macos ] && [ "$(sysctl -n sysctl.proc_translated 2>/dev/null || :)" = 1 ]; then
    processor=arm64
  fi
  case $processor in
    x86_64 | amd64) target=$platform-x64 ;;
    aarch64 | arm64) target=$platform-arm64 ;;
    *) fail "There is no executable for $system on $processor" "$(advise_npm)" ;;
  esac
  if [ "$platform" = linux ]; then check_linux; fi
}

check_linux() {
  if [ "$(getconf LONG_BIT 2>/dev/null || :)" = 32 ]; then
    fail "There is no executable for a 32-bit system" "$(advise_npm)"
  fi
  libc=$(getconf GNU_LIBC_VERSION 2>/dev/null || ldd --version 2>&1 || :)
  case $libc in
    *musl*) fail "The executable needs glibc, and this system has musl" "$(advise_npm)" ;;
    'glibc '*) ;;
    # What does not tell its version is tried.
    *) return 0 ;;
  esac
  glibc=${libc#glibc }
  glibc_minor=${glibc#2.}
  glibc_minor=${glibc_minor%%[!0-9]*}
  if [ "$glibc" != "${glibc#2.}" ] && [ "${glibc_minor:-$OLDEST_GLIBC_MINOR}" -lt "$OLDEST_GLIBC_MINOR" ]; then
    fail "The executable needs glibc 2.$OLDEST_GLIBC_MINOR, and this system has $glibc" "$(advise_npm)"
  fi
}

advise_npm() {
  printf '%s\n' "with Node.js 20 or later: npm install --global $PROGRAM"
}

# Sets `place` and its `kind`, and `shown_place`, which has no password.
choose_place() {
  place=${from:-$RELEASES_URL/v$version}
  while [ "$place" != "${place%/}" ] && [ "$place" != / ]; do place=${place%/}; done
  case $place in
    *[?#]*://* | *://*[?#]*) refuse 'the URL of --from must name a folder, without ? and #' ;;
    file:///*) place=${place#file://} ;;
  esac
  shown_place=$place
  case $place in
    https://*)
      kind=https
      authority=${place#https://}
      authority=${authority%%/*}
      shown_place=https://${authority##*@}${place#"https://$authority"}
      ;;
    http://*)
      kind=loopback
      authority=${place#http://}
      authority=${authority%%/*}
      case $authority in
        127.0.0.1 | localhost | '[::1]' | 127.0.0.1:* | localhost:* | '[::1]':*) port=${authority##*]} ;;
        *) refuse '--from must be an https URL or a folder' ;;
      esac
      case ${port#*:} in
        127.0.0.1 | localhost | '') ;;
        *[!0-9]*) refuse '--from must be an https URL or a folder' ;;
      esac
      ;;
    *://*) refuse '--from must be an https URL or a folder' ;;
    *)
      kind=folder
      [ -d "$place" ] || fail "There is no folder $place"
      ;;
  esac
}

# Fails before anything is downloaded if the program cannot be written.
check_dir() {
  if [ -d "$executable" ] && [ ! -L "$executable" ]; then fail "$executable is a folder"; fi
  if [ -L "$executable" ]; then
    fail "$executable is a link, which something else has made" "remove it, or name another folder with --dir"
  fi
  if [ -d "$list" ]; then fail "$list is a folder"; fi
  above=$dir
  while [ ! -e "$above" ] && [ ! -L "$above" ]; do
    first_missing=$above
    above=${above%/*}
    [ -n "$above" ] || above=/
  done
  if [ ! -d "$above" ]; then fail "Cannot create $dir: $above is not a folder"; fi
  if [ ! -w "$above" ] || [ ! -x "$above" ]; then
    fail "You cannot write to $above" "name another folder with --dir, or run the script as root"
  fi
}

# Sets `archive` by what can be unpacked here.
choose_archive() {
  if [ "$platform" = windows ]; then
    has unzip || fail 'unzip is missing'
    unpacker=unzip
  elif has tar && has xz; then
    unpacker='xz -dc'
  elif has tar && has unxz; then
    unpacker='unxz -c'
  elif has tar && tar --version 2>/dev/null | grep -q bsdtar; then
    unpacker='cat'
  elif has unzip; then
    unpacker=unzip
  else
    fail 'Nothing here can unpack the archive' 'install xz (xz-utils on Debian and Ubuntu) or unzip'
  fi
  name=$PROGRAM-$version-$target
  case $unpacker in
    unzip) archive=$name.zip ;;
    *) archive=$name.tar.xz ;;
  esac
}

has() {
  command -v "$1" >/dev/null 2>&1
}

find_downloader() {
  if [ "$kind" = folder ]; then
    downloader='cp'
  elif has curl; then
    downloader=curl
  elif has wget; then
    downloader=busybox
    case $(wget --version 2>&1 || :) in
      *GNU\ Wget*) downloader=wget ;;
    esac
  else
    fail 'There is neither curl nor wget' 'install curl, or download the release and name its folder with --from'
  fi
}

# Sets `sum`, the one that the archive must have, and `checked`, which tells what is known of it.
find_sum() {
  sum=''
  checked='checksum verified'
  if [ "$version" = "$VERSION" ]; then
    sum=$(printf '%s\n' "$SUMS" | look_up "$archive")
    [ -n "$sum" ] || fail "The release $version has no $archive" "$(advise_npm)"
  elif [ "$downloader" = busybox ]; then
    # Without a certificate, anyone on the way can name a sum.
    fail "BusyBox's wget does not check certificates: it can only install $VERSION" 'install curl'
  fi
  choose_verifier
  if [ -z "$sum" ] || [ -n "$verifier" ]; then
    download SHA256SUMS
    if [ -n "$verifier" ]; then verify_sums; fi
    listed=$(look_up "$archive" <"$work/SHA256SUMS")
    [ -n "$listed" ] || fail "$shown_place/SHA256SUMS does not name $archive" "$(look_at SHA256SUMS)"
    [ "${sum:-$listed}" = "$listed" ] || fail "$shown_place/SHA256SUMS has another checksum for $archive than this script"
    sum=$listed
  fi
}

# Reads lines of SHA256SUMS, and prints the sum of a file; nothing if it is not named there, or is named twice.
look_up() {
  found=''
  while read -r line_sum line_name; do
    [ "${line_name#\*}" = "$1" ] || continue
    [ -z "$found" ] || return 0
    case $line_sum in
      *[!0-9a-f]* | '') return 0 ;;
    esac
    [ ${#line_sum} = 64 ] || return 0
    found=$line_sum
  done
  printf '%s\n' "$found"
}

# Sets `verifier`: `minisign` or `cosign`, or nothing if the signature cannot be checked.
choose_verifier() {
  verifier=''
  if [ -n "$MINISIGN_KEY" ] && has minisign; then
    verifier=minisign
  elif [ -n "$COSIGN_KEY" ] && has cosign; then
    verifier=cosign
  elif [ -z "$MINISIGN_KEY$COSIGN_KEY" ]; then
    checked="$checked; signature not checked: the release has no key"
  else
    checked="$checked; signature not checked: that takes minisign or cosign"
  fi
}

verify_sums() {
  case $verifier in
    minisign)
      signature=SHA256SUMS.minisig
      download "$signature"
      set -- minisign -V -P "$MINISIGN_KEY" -m "$work/SHA256SUMS" -x "$work/$signature"
      ;;
    cosign)
      signature=SHA256SUMS.sigstore.json
      download "$signature"
      printf '%s\n' "$COSIGN_KEY" >"$work/cosign.pub"
      # The key alone decides: the signature is in no public log.
      set -- cosign verify-blob --key "$work/cosign.pub" --insecure-ignore-tlog --bundle "$work/$signature" \
        "$work/SHA256SUMS"
      ;;
  esac
  "$@" </dev/null >"$work/log" 2>&1 ||
    fail "The signature of $shown_place/SHA256SUMS is not valid: $(last_line <"$work/log")"
  checked='checksum and signature verified'
}

# Downloads a file of the release into the temporary folder.
download() {
  url=$place/$1
  case $downloader in
    cp) set -- cp "$url" "$work/$1" ;;
    curl)
      protocols='=https'
      if [ "$kind" = loopback ]; then protocols='=http,https'; fi
      set -- curl --fail --location --silent --show-error --proto "$protocols" --proto-redir '=https' --tlsv1.2 \
        --connect-timeout "$timeout_seconds" --speed-limit 1 --speed-time "$timeout_seconds" --retry 2 \
        --output "$work/$1" "$url"
      if [ "$kind" = loopback ]; then set -- "$@" --noproxy '*'; fi
      ;;
    wget)
      set -- wget --no-verbose --server-response --timeout="$timeout_seconds" --tries=3 --waitretry=1 \
        --output-document="$work/$1" "$url"
      if [ "$kind" = loopback ]; then set -- "$@" --no-proxy; fi
      ;;
    busybox)
      set -- wget -S -O "$work/$1" "$url"
      if [ "$kind" = loopback ]; then set -- "$@" -Y off; fi
      # A BusyBox that is built without timeouts crashes if it is given one.
      case $(wget --help 2>&1 || :) in
        *-T\ SEC*) set -- "$@" -T "$timeout_seconds" ;;
      esac
      ;;
  esac
  file=${url##*/}
  # The limit, which is 1 or 2 GB, ends a download that has no end. A file for the report would have no room when the disk is
  # full.
  if report=$({ ulimit -f 2000000 || :; } 2>/dev/null && LC_ALL=C "$@" </dev/null 2>&1); then :; else
    fail "Cannot get $shown_place/$file: $(printf '%s\n' "$report" | last_line)"
  fi
  # wget cannot be told to follow no redirect to http.
  case $downloader in
    wget | busybox)
      if printf '%s\n' "$report" | grep -qi '^ *location: *http:'; then
        fail "Cannot get $shown_place/$file: the server redirects to http"
      fi
      ;;
  esac
}

# Prints the last line of what a program has written: its reason.
last_line() {
  reason=''
  while read -r log_line || [ -n "$log_line" ]; do
    if [ -n "$log_line" ]; then reason=$log_line; fi
  done
  printf '%s\n' "${reason:-it gave no reason}"
}

check_archive() {
  actual=$(print_sum "$work/$archive")
  [ -n "$actual" ] || fail 'Nothing here can compute a SHA-256' 'install sha256sum, shasum or openssl'
  [ "$actual" = "$sum" ] || fail "$shown_place/$archive has the wrong checksum" "$(look_at "$archive")"
}

print_sum() {
  if has sha256sum; then
    digest=$(sha256sum <"$1")
  elif has shasum; then
    digest=$(shasum -a 256 <"$1")
  elif has openssl; then
    digest=$(openssl dgst -sha256 -r <"$1")
  else
    digest=''
  fi
  printf '%s\n' "${digest%%[ *]*}"
}

# A guess at what came instead of the file.
look_at() {
  case $(head -c 256 "$work/$1" | tr -d '\0' | tr '[:upper:]' '[:lower:]') in
    *'<html'* | *'<!doctype'*) printf '%s\n' 'a web page came instead, perhaps from a proxy' ;;
  esac
}

# Unpacks beside the place of the program, since a temporary folder may forbid programs to run.
unpack() {
  (umask 022 && mkdir -p "$dir") || fail "Cannot create $dir"
  find_prefix
  remove_old_stages
  stage=$(mktemp -d "$dir/.$PROGRAM.XXXXXX") || fail "You cannot write to $dir"
  if [ "$unpacker" = unzip ]; then
    unzip -q "$work/$archive" -d "$stage" </dev/null >"$work/log" 2>&1 ||
      fail "Cannot unpack $archive: $(last_line <"$work/log")"
  else
    # shellcheck disable=SC2086 # A command and its option.
    $unpacker "$work/$archive" 2>"$work/log" | (cd "$stage" && tar -xof -) 2>>"$work/log" ||
      fail "Cannot unpack $archive: $(last_line <"$work/log")"
  fi
  rm -f "$work/$archive"
  top=$stage/$name
  # Whatever an archive tries, only files and folders below its one folder are taken.
  # shellcheck disable=SC2010 # Of each line, only the first letter counts, which is the type.
  if [ "$(ls -A "$stage")" != "$name" ] || ls -lAR "$stage" 2>/dev/null | grep -q '^[bclps]' ||
    [ ! -f "$top/$PROGRAM$suffix" ]; then
    fail "$archive is not an archive of $PROGRAM"
  fi
  chmod 755 "$top" "$top/$PROGRAM$suffix"
}

# What a killed run has left, if it is older than a day.
remove_old_stages() {
  has find || return 0
  for old_stage in "$dir/.$PROGRAM."??????; do
    if [ -d "$old_stage" ] && [ -n "$(find "$old_stage" -prune -type d -mtime +0)" ]; then rm -rf "$old_stage"; fi
  done
}

# Starts the new program once, and finds out whether it needs the library of the archive.
try_program() {
  needs_library=no
  if [ -f "$top/$LIBRARY" ]; then mv "$top/$LIBRARY" "$stage/$LIBRARY"; fi
  if starts; then return; fi
  if [ -f "$stage/$LIBRARY" ] && [ -e "$dir/$LIBRARY" ] && ! is_listed "$LIBRARY"; then
    cp "$dir/$LIBRARY" "$top/$LIBRARY"
    if starts; then return; fi
    fail "$PROGRAM does not start with the $LIBRARY that something else has put into $dir: $(last_line <"$work/log")" \
      'name another folder with --dir'
  elif [ -f "$stage/$LIBRARY" ]; then
    mv "$stage/$LIBRARY" "$top/$LIBRARY"
    needs_library=yes
    if starts; then return; fi
  fi
  fail "$PROGRAM $version does not start here: $(last_line <"$work/log")" "$(advise_npm)"
}

starts() {
  "$top/$PROGRAM$suffix" version </dev/null >"$work/log" 2>&1 && grep -qF " v$version" "$work/log"
}

# The documents of the archive, each with its place below share, where man and the shells look.
list_documents() {
  printf '%s\n' \
    "man/$PROGRAM.1:man/man1/$PROGRAM.1" \
    "completions/$PROGRAM.bash:bash-completion/completions/$PROGRAM" \
    "completions/_$PROGRAM:zsh/site-functions/_$PROGRAM" \
    "completions/$PROGRAM.fish:fish/vendor_completions.d/$PROGRAM.fish"
}

# Everything that this script may install, each by its path from the folder of the program.
list_installable() {
  list_documents | while IFS=: read -r _ to; do printf '%s\n' "../share/$to"; done
  printf '%s\n' "$PROGRAM" "$PROGRAM.exe" "$LIBRARY"
}

# Whether the list names a file. Nothing else of the list counts: whoever can write to the folder can write there.
is_listed() {
  [ -f "$list" ] && grep -qxF "$1" "$list"
}

# The program comes last, so that an interrupted run leaves the old one.
put_in_place() {
  if [ -n "$prefix" ]; then list_documents; fi >"$work/documents"
  {
    list_installable | while read -r one; do if is_listed "$one"; then printf '%s\n' "$one"; fi; done
    printf '%s\n' "$PROGRAM$suffix"
    if [ "$needs_library" = yes ]; then printf '%s\n' "$LIBRARY"; fi
    while IFS=: read -r _ to; do printf '%s\n' "../share/$to"; done <"$work/documents"
  } | sort -u >"$work/files"
  put_file "$work/files" "$list" || fail "Cannot write $list"
  put_documents 2>"$work/log" || warn "no manual page and no completions: $(last_line <"$work/log")"
  if [ "$needs_library" = yes ]; then
    chmod 644 "$top/$LIBRARY"
    mv -f "$top/$LIBRARY" "$dir/$LIBRARY" || fail "Cannot write $dir/$LIBRARY"
  fi
  mv -f "$top/$PROGRAM$suffix" "$executable" || fail "Cannot write $executable"
  first_missing=''
}

put_documents() {
  while IFS=: read -r source to; do
    if [ -f "$top/$source" ]; then
      (umask 022 && mkdir -p "$prefix/share/${to%/*}") || return 1
      put_file "$top/$source" "$prefix/share/$to" || return 1
    fi
  done <"$work/documents"
}

# Replaces a file by a copy of another, at once. Nobody can foresee the name of the copy, and put a link there.
put_file() {
  if [ -d "$2" ]; then
    printf '%s is a folder\n' "$2" >&2
    return 1
  fi
  half_file=$(mktemp "$2.XXXXXX") || return 1
  if cp "$1" "$half_file" && chmod 644 "$half_file" && mv -f "$half_file" "$2"; then
    half_file=''
    return 0
  fi
  rm -f "$half_file"
  half_file=''
  return 1
}

check_path() {
  first=$(find_on_path)
  # The same file may have several names.
  if [ "$first" = "$executable" ]; then return; fi
  if [ -n "$first" ] && [ "$(print_sum "$first")" = "$(print_sum "$executable")" ]; then return; fi
  case ":${PATH:-}:" in
    *":$dir:"* | *":$dir/:"*) ;;
    *)
      warn "$dir is not on the PATH: clients will not find the program there" \
        'add it to PATH in ~/.profile, or in ~/.zprofile for zsh, and log in again'
      ;;
  esac
  if [ -n "$first" ]; then warn "clients find another program of this name first: $first"; fi
}

# Prints the first program of this name on the PATH. `command -v` would quote it in some shells.
find_on_path() (
  IFS=:
  set -f
  for folder in ${PATH:-}; do
    if [ -f "$folder/$PROGRAM$suffix" ] && [ -x "$folder/$PROGRAM$suffix" ]; then
      printf '%s\n' "$folder/$PROGRAM$suffix"
      exit
    fi
  done
)

configure() {
  if [ -z "$registries" ]; then
    say "Next: $PROGRAM configure myregistry.azurecr.io"
    return
  fi
  # shellcheck disable=SC2086 # A list without spaces or patterns in its words.
  set -- $registries
  "$executable" configure "$@" --yes </dev/null || fail "$PROGRAM is installed, but not configured"
}

# Removes what the list names, as far as it is something that this script installs.
uninstall() {
  if [ ! -f "$list" ]; then
    hint=''
    if [ "$is_default_dir" = yes ]; then hint='if the program is in another folder, name that with --dir'; fi
    fail "Nothing in $dir was installed by this script" "$hint"
  fi
  if [ "$dry_run" = no ] && [ ! -w "$dir" ]; then fail "You cannot write to $dir" 'run the script as root'; fi
  find_prefix
  list_installable | while read -r one; do
    case $one in
      ../*)
        [ -n "$prefix" ] || continue
        installed=$prefix/${one#../}
        ;;
      *) installed=$dir/$one ;;
    esac
    if is_listed "$one" && [ -f "$installed" ]; then
      if [ -L "$installed" ]; then
        warn "$installed is a link, which something else has made: it stays"
      elif [ "$dry_run" = yes ]; then
        say "Would remove $installed"
      else
        rm -f "$installed" || exit 1
        say "Removed $installed"
      fi
    fi
  done || fail "Cannot remove everything"
  if [ "$dry_run" = no ]; then rm -f "$list"; fi
}

# shellcheck disable=SC2317 # The trap calls it.
clean_up() {
  if [ -n "$half_file" ]; then rm -f "$half_file"; fi
  if [ -n "$stage" ]; then rm -rf "$stage"; fi
  if [ -n "$work" ]; then rm -rf "$work"; fi
  # The folders that this run has created, if it did not get as far as to need them.
  made=$dir
  while [ -n "$first_missing" ]; do
    rmdir "$made" 2>/dev/null || return 0
    [ "$made" != "$first_missing" ] || return 0
    made=${made%/*}
  done
}

say() {
  printf '%s\n' "$1"
}

# Warns, with a hint if there is one.
warn() {
  printf 'install.sh: warning: %s\n' "$1" >&2
  if [ -n "${2:-}" ]; then printf 'hint: %s\n' "$2" >&2; fi
}

# Ends with an error, and a hint if there is one.
fail() {
  printf 'install.sh: error: %s\n' "$1" >&2
  if [ -n "${2:-}" ]; then printf 'hint: %s\n' "$2" >&2; fi
  exit 1
}

refuse() {
  printf 'install.sh: error: %s\nhint: --help tells the options\n' "$1" >&2
  exit 2
}

main "$@"
exit

}
