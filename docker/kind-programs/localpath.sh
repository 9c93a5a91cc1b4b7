#!/bin/sh
# Makes the package localpath of the provisioner's own program, so that it can be a part of ours.
set -eu
cd "$(dirname "$0")"
version=$(sed -n 's#^.*github.com/rancher/local-path-provisioner ##p' go.mod)
source=$(go mod download -json "github.com/rancher/local-path-provisioner@$version" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
mkdir -p localpath
for file in main provisioner util; do
    # logrus by its present name, under which the other packages have it
    sed 's/^package main$/package localpath/; s/^func main()/func Main()/; s#Sirupsen/logrus#sirupsen/logrus#' \
        "$source/$file.go" > "localpath/$file.go"
done
