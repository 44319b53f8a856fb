# The image of jobs and CronJobs: `make image`. It runs as nobody in particular, on a root file system that is read-only;
# what it writes lies in /repository or in volumes. docs/container.md says how it is run.
FROM python:3.13-slim@sha256:9662417aace5ae7b8e2609cce472b72a8958e134ba372808abe9cc1a0c0125e6 AS build
WORKDIR /source
COPY constraints-build.txt constraints-image.txt ./
# An environment without pip, so that what is copied from here is the tool and what it needs, and nothing else. An index of
# your own, with its password, is a secret of the build and in no layer: --secret id=pip,src=pip.conf
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    python -m venv --without-pip /opt/reconciler && \
    pip install --no-cache-dir --require-hashes --only-binary :all: --requirement constraints-build.txt && \
    pip --python /opt/reconciler/bin/python install --no-cache-dir --require-hashes --only-binary :all: \
        --requirement constraints-image.txt
COPY pyproject.toml README.md LICENSE ./
COPY reconciler reconciler
# With the setuptools of above, whose hash is known, and not with whatever is the newest.
RUN pip wheel --no-cache-dir --no-index --no-deps --no-build-isolation --wheel-dir wheels . && \
    pip --python /opt/reconciler/bin/python install --no-cache-dir --no-index --no-deps wheels/*.whl

FROM python:3.13-slim@sha256:9662417aace5ae7b8e2609cce472b72a8958e134ba372808abe9cc1a0c0125e6
LABEL org.opencontainers.image.title="reconciler" org.opencontainers.image.licenses="Apache-2.0"
# git: for a checkout, for `state: {git: ...}` and for --base. pip is of no use to what only runs. Debian keeps no older
# version of a package, so that a version of git that is named here would break the build one day.
# hadolint ignore=DL3008
RUN apt-get update && \
    apt-get install --yes --no-install-recommends git && \
    rm -rf /var/lib/apt/lists/* && \
    python -m pip uninstall --yes pip
COPY --from=build /opt/reconciler /opt/reconciler
# A read-only root has no place for bytecode (pip has made that above), nor for a home.
ENV PATH=/opt/reconciler/bin:$PATH HOME=/tmp PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /repository
ENTRYPOINT ["reconciler"]
CMD ["--help"]
