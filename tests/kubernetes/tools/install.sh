#!/usr/bin/env bash
# Build the tools that tests/kubernetes needs, and lay out the schemas that it checks with:
#
#   install.sh FOLDER
#
# go.mod and requirements.txt pin the versions, go.sum and requirements.txt the checksums. To use
# newer tools: `go get -tool MODULE@VERSION` in this folder.
set -euo pipefail
destination=$1
here=$(cd "$(dirname "$0")" && pwd)

[ ! -d "$destination" ] || exit 0
if ! command -v go >/dev/null; then
  echo "Go $(sed -n 's/^go //p' "$here/go.mod") or newer is needed to build helm and the other tools." >&2
  exit 1
fi

mkdir -p "$(dirname "$destination")"
# The folder appears when it is complete: an interrupted build leaves nothing that looks usable.
work=$(mktemp -d "$destination.XXXXXX")
trap 'rm -rf "$work"' EXIT

cd "$here"
version_of() { go list -m -f '{{.Version}}' "$1"; }
chartutil=helm.sh/helm/v3/pkg/chartutil
kubernetes=$(version_of k8s.io/client-go | cut -d. -f2)
# Without these, `helm template` takes the cluster for a Kubernetes 1.20.
flags="-s -w -X $chartutil.k8sVersionMajor=1 -X $chartutil.k8sVersionMinor=$kubernetes"
flags+=" -X helm.sh/helm/v3/internal/version.version=$(version_of helm.sh/helm/v3)"
GOBIN=$work/bin go install -mod=readonly -trimpath -ldflags "$flags" tool

python=${PYTHON:-python3}
"$python" -m pip download --quiet --no-deps --require-hashes --dest "$work/wheels" --requirement requirements.txt
"$python" schemas.py "$work"/wheels/*.whl ../crds "$work/schemas"
rm -r "$work/wheels"
chmod 755 "$work"
mv -T "$work" "$destination"
