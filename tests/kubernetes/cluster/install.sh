#!/usr/bin/env bash
# Build what test_cluster.py needs: the control plane of Kubernetes, KWOK, which pretends to be nodes, and
# a Prometheus that discovers targets in Kubernetes:
#
#   install.sh FOLDER
#
# The first build takes ten minutes of two cores. Each go.mod pins versions, each go.sum checksums.
set -euo pipefail
destination=$1
here=$(cd "$(dirname "$0")" && pwd)

[ ! -d "$destination" ] || exit 0
command -v go >/dev/null || { echo "Go is needed to build a cluster." >&2; exit 1; }
mkdir -p "$(dirname "$destination")"
# The folder appears when it is complete: an interrupted build leaves nothing that looks usable.
work=$(mktemp -d "$destination.XXXXXX")
trap 'rm -rf "$work"' EXIT

cd "$here/tools"
# Of all ways to discover targets, that of Kubernetes alone.
GOBIN=$work/bin go install -mod=readonly -trimpath -ldflags '-s -w' -tags remove_all_sd,enable_kubernetes_sd tool
cp -r "$(go list -m -f '{{.Dir}}' sigs.k8s.io/kwok)/kustomize/stage" "$work/stages"
chmod -R u+w "$work/stages"
cd "$here/plane"
version=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
variables=k8s.io/component-base/version
# What the API server says of itself: Helm compares it with the chart's kubeVersion.
flags="-s -w -X $variables.gitVersion=$version -X $variables.gitMajor=1"
flags+=" -X $variables.gitMinor=$(echo "$version" | cut -d. -f2)"
GOBIN=$work/bin go install -mod=readonly -trimpath -ldflags "$flags" .
mv "$work/bin/control-plane" "$work/bin/plane"
chmod 755 "$work"
mv -T "$work" "$destination"
