# Build with `make image`, which hands over the version and the revision.
#
# Where pip finds its index and whom it trusts may be handed over as a secret, which no layer keeps:
#   docker build --secret id=pip.conf,src="$HOME/.config/pip/pip.conf" .

FROM python:3.13-slim AS builder
WORKDIR /build
COPY requirements.lock requirements-build.lock ./
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    python -m venv tools \
    && tools/bin/pip install --no-cache-dir --require-hashes --requirement requirements-build.lock \
    && python -m venv --without-pip /opt/exporter \
    && tools/bin/pip --python /opt/exporter install --no-cache-dir --no-compile --require-hashes \
        --requirement requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY exporter exporter
RUN tools/bin/pip wheel --no-cache-dir --no-index --no-deps --no-build-isolation --wheel-dir wheel . \
    && tools/bin/pip --python /opt/exporter install --no-cache-dir --no-compile --no-index --no-deps \
        wheel/*.whl
# By hash: copying into a layer rounds the times of files, and bytecode older than its source is
# compiled anew at every start.
RUN /opt/exporter/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/exporter/lib

FROM python:3.13-slim
RUN python -m pip uninstall --yes --quiet --root-user-action=ignore pip \
    && rm -r "$(python -c 'import ensurepip; print(ensurepip.__path__[0])')"
COPY --from=builder /opt/exporter /opt/exporter
# The base image has no bytecode of the standard library, and at run time nobody can write it.
RUN ["/opt/exporter/bin/python", "-c", "import exporter.app, exporter.app.demo, exporter.healthcheck, jinja2"]

# For a state file. A new volume of Docker or Podman that is mounted here gets the owner of the folder.
RUN install --directory --owner=65532 --group=65532 --mode=0700 /var/lib/llamacloud-batch-exporter

ARG VERSION=""
ARG REVISION=""
# Shown by the metric llamacloud_exporter_build_info.
ENV LLAMACLOUD_BATCH_EXPORTER_REVISION=$REVISION
LABEL org.opencontainers.image.title="llamacloud-batch-exporter" \
      org.opencontainers.image.description="Prometheus exporter for the progress, failures and item counts of LlamaCloud batch-processing jobs." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version=$VERSION \
      org.opencontainers.image.revision=$REVISION
USER 65532:65532
EXPOSE 9910
# It sees variables, and the file that they name, but no flags of the container's command. Kubernetes
# takes no notice of it; images of the OCI format do not hold it.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 \
    CMD ["/opt/exporter/bin/llamacloud-batch-exporter", "--healthcheck"]
ENTRYPOINT ["/opt/exporter/bin/llamacloud-batch-exporter"]
