#!/bin/sh
# Makes /images.tar, an OCI archive with every image of the cluster: assemble.sh KUBERNETES_VERSION
set -eu
root=/rootfs
layout=/layout

# One root file system for all: the programs, busybox for a shell, iptables for kube-proxy.
mkdir -p "$root/bin" "$root/etc" "$root/tmp" "$root/usr/local/bin" "$root/usr/sbin" "$root/usr/lib" "$root/run"
chmod 1777 "$root/tmp"
ln -s usr/sbin "$root/sbin"
ln -s usr/lib "$root/lib"
ln -s usr/lib "$root/lib64"
cp /out/pause "$root/pause"
cp /out/node "$root/usr/local/bin/node"
for name in coredns etcd kube-apiserver kube-controller-manager kube-proxy kube-scheduler kubectl local-path-provisioner; do
    ln -s node "$root/usr/local/bin/$name"
done
cp "$(command -v busybox)" "$root/bin/busybox"
for name in cat cp date echo env expr false grep hostname id kill ls mkdir mv nc nslookup ps rm sed seq sh sleep stat tail test \
    touch tr true wc wget; do
    ln -s busybox "$root/bin/$name"
done
echo "root:x:0:0:root:/root:/bin/sh" > "$root/etc/passwd"
echo "root:x:0:" > "$root/etc/group"
echo "hosts: files dns" > "$root/etc/nsswitch.conf"
cp /etc/protocols /etc/services "$root/etc/" 2> /dev/null || true

# iptables in both its kinds; /build/iptables takes the kind that the node's kubelet uses.
modules=$(dirname "$(find /usr/lib -name 'libxt_comment.so')")
mkdir -p "$root$modules"
cp -r "$modules/." "$root$modules"
for program in xtables-nft-multi xtables-legacy-multi; do
    cp "/usr/sbin/$program" "$root/usr/sbin/$program"
    # /lib and /lib64 lead into /usr/lib here
    ldd "/usr/sbin/$program" | grep -o '/[^ ]*' | sed 's#^/lib64/#/usr/lib/#; s#^/lib/#/usr/lib/#' > /libraries
    while read -r library; do
        mkdir -p "$root${library%/*}"
        cp -L "/lib${library#/usr/lib}" "$root$library" 2> /dev/null || cp -L "/lib64/${library##*/}" "$root$library"
    done < /libraries
done
cp /build/iptables "$root/usr/sbin/iptables"
chmod 755 "$root/usr/sbin/iptables"
for name in iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore; do
    ln -s iptables "$root/usr/sbin/$name"
done

umoci init --layout "$layout"
umoci new --image "$layout:programs"
umoci insert --image "$layout:programs" "$root" /
umoci config --image "$layout:programs" --config.env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
umoci config --image "$layout:programs" --tag coredns --config.entrypoint /usr/local/bin/coredns
umoci config --image "$layout:programs" --tag pause --config.entrypoint /pause
umoci gc --layout "$layout"

# Every name that something will ask for, and the image that it means.
ln -sf /out/node /usr/local/bin/kubeadm
{
    kubeadm config images list --kubernetes-version "v$1"
    sed -n 's/.*sandbox_image = "\(.*\)"/\1/p' /config.toml
    echo "docker.io/sct/kind-cluster:$1"
} | sort -u > /names
while read -r name; do
    case "$name" in
        */coredns:*) echo "$name coredns" ;;
        */pause:*) echo "$name pause" ;;
        *) echo "$name programs" ;;
    esac
done < /names > /names-and-tags
jq --rawfile names /names-and-tags '
    (.manifests | map({(.annotations["org.opencontainers.image.ref.name"]): .}) | add) as $byTag
    | .manifests = [$names | split("\n")[] | select(. != "") | split(" ")
        | $byTag[.[1]] + {annotations: {"io.containerd.image.name": .[0]}}]' \
    "$layout/index.json" > /index.json
mv /index.json "$layout/index.json"
cat /names
tar -C "$layout" -cf /images.tar .
