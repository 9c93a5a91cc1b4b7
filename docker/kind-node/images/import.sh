#!/bin/sh
# Imports an OCI archive into containerd's store, not unpacked: import.sh ARCHIVE
set -eu
mkdir -p /tmp/import
cat > /tmp/import/config.toml <<'TOML'
version = 2
disabled_plugins = ["io.containerd.grpc.v1.cri"]
TOML
containerd --config /tmp/import/config.toml > /tmp/import/log 2>&1 &
server=$!
tries=0
until ctr version > /dev/null 2>&1; do
    tries=$((tries + 1))
    [ "$tries" -lt 150 ] || { cat /tmp/import/log; exit 1; }
    sleep 0.2
done
ctr -n k8s.io images import --no-unpack "$1" || { cat /tmp/import/log; exit 1; }
# kubelet's garbage collection leaves pinned images alone
for name in $(ctr -n k8s.io images list -q); do
    ctr -n k8s.io images label "$name" io.cri-containerd.pinned=pinned
done
kill "$server"
wait "$server" || true
rm -rf /tmp/import
