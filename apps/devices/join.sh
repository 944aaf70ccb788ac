#!/bin/sh
# Joins this board to the EdgePortal at @BASE@: fetches the agent, checks it, and starts it as a user of its own.
#   sh -s -- CODE WHEEL_SHA256     join with the code that the portal's page shows; on a board that has joined: start its agent again
#   sh -s -- --uninstall           stop the agent and remove all of it from this board
# Settings: EDGEPORTAL_AGENT_FOLDER (where it lives), EDGEPORTAL_AGENT_NAME (what the board is called),
#           EDGEPORTAL_AGENT_DATA_PORT (let other boards bring tensors at this port, e.g. 7443; of tier edge or cloud),
#           EDGEPORTAL_AGENT_TRAIN (1: with torch, to take part in federated learning),
#           EDGEPORTAL_PYTHON (which python), EDGEPORTAL_AGENT_UID (as which user, where root starts it without systemd).
set -eu
umask 022
BASE='@BASE@' PIN='@PIN@' FINGERPRINT='@FINGERPRINT@' SHA256='@SHA256@' WHEEL='@WHEEL@' NEEDS='@NEEDS@' TRAINS='@TRAINS@'
AGENT_UID=${EDGEPORTAL_AGENT_UID:-64731}
UNIT=/etc/systemd/system/edgeportal-agent.service

say() { echo "EdgePortal: $*"; }
fail() { echo "EdgePortal: $*" >&2; exit 1; }
is_root() { [ "$(id -u)" = 0 ]; }
# Who names a folder wants no service.
has_systemd() { is_root && [ -z "${EDGEPORTAL_AGENT_FOLDER:-}" ] && [ -d /run/systemd/system ] && command -v systemctl >/dev/null 2>&1; }

# The program lies in HOME_FOLDER, what the agent learns and keeps in STATE.
if [ -n "${EDGEPORTAL_AGENT_FOLDER:-}" ]; then
  case "$EDGEPORTAL_AGENT_FOLDER" in /*) HOME_FOLDER=$EDGEPORTAL_AGENT_FOLDER ;; *) HOME_FOLDER=$PWD/$EDGEPORTAL_AGENT_FOLDER ;; esac
  STATE=$HOME_FOLDER/state
elif has_systemd; then HOME_FOLDER=/opt/edgeportal-agent; STATE=/var/lib/edgeportal-agent
elif is_root; then HOME_FOLDER=/opt/edgeportal-agent; STATE=$HOME_FOLDER/state
else HOME_FOLDER=$HOME/.edgeportal-agent; STATE=$HOME_FOLDER/state; fi

uninstall() {
  if has_systemd && [ -f "$UNIT" ]; then
    systemctl disable --now edgeportal-agent.service || true
    rm -f "$UNIT"; systemctl daemon-reload
    rm -rf /var/lib/private/edgeportal-agent /var/lib/edgeportal-agent
  elif [ -s "$STATE/pid" ]; then
    PID=$(cat "$STATE/pid")
    kill "$PID" 2>/dev/null || true
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do kill -0 "$PID" 2>/dev/null || break; sleep 1; done
  fi
  rm -rf "$HOME_FOLDER"
  say "the agent is gone from this board; retire the device on its page."
}

fetch() {  # fetch PATH FILE
  if [ -n "$PIN" ]; then curl -fsSk --pinnedpubkey "sha256//$PIN" --retry 3 -o "$2" "$BASE$1"
  else curl -fsS --retry 3 -o "$2" "$BASE$1"; fi
}

sha256_of() {
  "$1" -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' "$2"
}

# As a user of its own, by number, so that no account needs to be made. systemd does it by itself.
DROP='import os, sys
number = int(os.environ.pop("UNPRIVILEGED"))
if number:
    os.setgroups([]); os.setgid(number); os.setuid(number); os.environ["HOME"] = "/nonexistent"
os.execvp(sys.argv[1], sys.argv[1:])'
as_user() {
  if ! is_root || has_systemd; then "$@"; return; fi
  UNPRIVILEGED="$AGENT_UID" "$PLAIN" -c "$DROP" "$@"
}

new_enough() { "$1" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
# Whether the user that the agent will be can use it too: a Python below /root it cannot.
usable() { PLAIN=$1; (cd / && as_user "$1" -c "$2") 2>/dev/null; }
COMPLETE='import numpy, onnxruntime, pydantic'
if [ "${EDGEPORTAL_AGENT_TRAIN:-}" = 1 ]; then COMPLETE="$COMPLETE, safetensors, torch"; NEEDS="$NEEDS $TRAINS"; fi

find_python() {
  CANDIDATES="${EDGEPORTAL_PYTHON:-} python3 python3.13 python3.12 python3.11 /usr/bin/python3 /usr/local/bin/python3"
  for one in $CANDIDATES; do
    one=$(command -v "$one" 2>/dev/null) || continue
    if new_enough "$one" && usable "$one" "$COMPLETE"; then PYTHON=$one; return; fi
  done
  for one in $CANDIDATES; do
    one=$(command -v "$one" 2>/dev/null) || continue
    if new_enough "$one" && usable "$one" pass; then BARE=$one; break; fi
  done
  [ -n "${BARE:-}" ] || fail "this board needs Python 3.11 or newer with its venv module, for every user (Debian, Ubuntu: apt install python3-venv)."
  PYTHON=$HOME_FOLDER/venv/bin/python
  PLAIN=$BARE
}

install() {
  [ "$PYTHON" = "$HOME_FOLDER/venv/bin/python" ] || return 0
  BARE=$PLAIN
  if [ -x "$PYTHON" ] && usable "$PYTHON" "$COMPLETE"; then PLAIN=$BARE; return; fi
  PLAIN=$BARE
  say "installing $NEEDS (once, some minutes) ..."
  "$PLAIN" -m venv "$HOME_FOLDER/venv" || fail "Python's venv module is missing (Debian, Ubuntu: apt install python3-venv)."
  # shellcheck disable=SC2086  several words on purpose
  "$PYTHON" -m pip install --quiet --disable-pip-version-check $NEEDS || fail "the packages could not be installed; see above."
}

undo() {
  code=$?
  if [ "$code" != 0 ] && [ -n "${JOINED:-}" ]; then
    say "this board has joined all the same: the line goes on from here, its code is not needed again." >&2
  elif [ "$code" != 0 ] && [ -n "${FRESH:-}" ]; then rm -rf "$HOME_FOLDER"; fi
  exit "$code"
}

is_running() {
  if has_systemd; then systemctl is-active --quiet edgeportal-agent.service; return; fi
  [ -f "$STATE/lock" ] && ! "$PLAIN" -c 'import fcntl, sys; fcntl.flock(open(sys.argv[1]), fcntl.LOCK_EX | fcntl.LOCK_NB)' "$STATE/lock" 2>/dev/null
}

joined_before() {
  [ -f "$STATE/identity.json" ] || return 1
  grep -qF "\"base\": \"$BASE\"" "$STATE/identity.json" \
    || fail "this board has joined another portal already, or this one by another address; to begin anew: ... | sh -s -- --uninstall"
  say "this board has joined already; to begin anew: ... | sh -s -- --uninstall"
}

join() {
  [ -n "${1:-}" ] || fail "the code is missing; copy the whole line from the portal's page."
  if [ "${2:-$SHA256}" != "$SHA256" ]; then
    fail "the portal's agent has changed since this line was shown; reload the page and copy the line again."
  fi
  command -v curl >/dev/null || fail "curl is missing (Debian, Ubuntu: apt install curl)."
  [ -e "$HOME_FOLDER" ] || FRESH=yes
  trap undo EXIT
  trap 'exit 130' INT TERM
  ! joined_before || JOINED=before
  mkdir -p "$HOME_FOLDER"
  find_python
  if [ -n "${JOINED:-}" ] && is_running; then
    say "its agent runs."
    how_to_start
    return
  fi
  say "fetching the agent from $BASE ..."
  fetch /api/agent/wheel "$HOME_FOLDER/$WHEEL.part" || fail "the agent could not be fetched from $BASE."
  [ "$(sha256_of "$PLAIN" "$HOME_FOLDER/$WHEEL.part")" = "$SHA256" ] || fail "the agent that came is not the one of this line; nothing was run."
  mv "$HOME_FOLDER/$WHEEL.part" "$HOME_FOLDER/$WHEEL"
  export PYTHONPATH="$HOME_FOLDER/$WHEEL"
  export OMP_NUM_THREADS=1
  # The code lives ten minutes, which the installation may outlast.
  [ -n "${JOINED:-}" ] || spend_code "$1"
  install
  trap - EXIT INT TERM
  if [ "$JOINED" = before ]; then say "starting its agent again."; fi
  if has_systemd; then with_systemd; else in_the_foreground; fi
}

spend_code() {
  CALLED=${EDGEPORTAL_AGENT_NAME:-}
  if has_systemd; then CALLED=${CALLED:-$(hostname)}; fi
  set -- -m worker.agent join "$BASE" "$1" --fingerprint "$FINGERPRINT" --folder "$STATE" --name "$CALLED"
  if [ -n "${EDGEPORTAL_AGENT_DATA_PORT:-}" ]; then set -- "$@" --data-port "$EDGEPORTAL_AGENT_DATA_PORT"; fi
  if has_systemd; then
    systemd-run --quiet --wait --pipe --collect -p DynamicUser=yes -p StateDirectory=edgeportal-agent -p StateDirectoryMode=0700 \
      -E "PYTHONPATH=$PYTHONPATH" "$PLAIN" "$@" || exit 1
  else
    if is_root; then mkdir -p "$STATE"; chown "$AGENT_UID:$AGENT_UID" "$STATE"; chmod 700 "$STATE"; fi
    (if is_root; then cd /; fi; as_user "$PLAIN" "$@") || exit 1
  fi
  JOINED=yes
}

in_the_foreground() {
  START=$HOME_FOLDER/start WORDS='"$@"'
  {
    echo "#!/bin/sh"
    echo "# Starts the EdgePortal agent of this board."
    echo "export PYTHONPATH='$PYTHONPATH' OMP_NUM_THREADS=1"
    if is_root; then
      echo "cd / && UNPRIVILEGED=$AGENT_UID exec '$PLAIN' -c '$DROP' '$PYTHON' -m worker.agent run --folder '$STATE' $WORDS"
    else
      echo "exec '$PYTHON' -m worker.agent run --folder '$STATE' $WORDS"
    fi
  } > "$START"
  chmod 755 "$START"
  say "running in $HOME_FOLDER$(if is_root; then echo " as user $AGENT_UID"; fi); Ctrl-C stops it."
  how_to_start
  exec sh "$START"
}

how_to_start() {
  if has_systemd; then say "to start it by hand: systemctl start edgeportal-agent"
  else say "to start it by hand, also beside this terminal: nohup '$HOME_FOLDER/start' &"; fi
}

with_systemd() {
  ln -sfn "$HOME_FOLDER/$WHEEL" "$HOME_FOLDER/agent.whl"
  ln -sfn "$PYTHON" "$HOME_FOLDER/python"
  cat > "$UNIT" <<'UNIT_FILE'
@UNIT@
UNIT_FILE
  systemctl daemon-reload
  systemctl enable --now edgeportal-agent.service
  say "running as the service edgeportal-agent; its log: journalctl -u edgeportal-agent"
  how_to_start
}

case "${1:-}" in
  --uninstall) uninstall ;;
  *) join "$@" ;;
esac
