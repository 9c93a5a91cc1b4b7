#!/bin/sh
# Writes go.mod and go.sum anew for other versions: lock.sh KUBERNETES COREDNS ETCD LOCAL_PATH (without "v").
set -eu
cd "$(dirname "$0")"
rm -f go.mod go.sum
go mod init node
go mod edit -go=1.24.0 -require="k8s.io/kubernetes@v$1" -require="github.com/coredns/coredns@v$2" \
    -require="go.etcd.io/etcd/server/v3@v$3" -require="github.com/rancher/local-path-provisioner@v$4"
# Kubernetes names its own parts by v0.0.0 and keeps them in its tree; published, they are v0.MINOR.PATCH.
manifest=$(go mod download -json "k8s.io/kubernetes@v$1" | sed -n 's/.*"GoMod": "\(.*\)".*/\1/p')
for part in $(sed -n 's#^\t\(k8s.io/[a-z-]*\) => ./staging.*#\1#p' "$manifest"); do
    go mod edit -replace="$part=$part@v0.${1#1.}"
done
./localpath.sh
go list -mod=mod -deps . > /dev/null
go mod download github.com/rancher/local-path-provisioner k8s.io/kubernetes
