# Two stages: what builds is not what runs. A test runs the builder's own steps outside an engine.

FROM python:3.11-slim AS builder
WORKDIR /build
COPY requirements/ /build/requirements/
RUN python -m venv /build/tools \
    && /build/tools/bin/pip install --no-cache-dir --require-hashes --no-deps -r /build/requirements/build.txt
# What runs gets no pip.
RUN python -m venv --without-pip /opt/reconciler \
    && /build/tools/bin/pip --python /opt/reconciler/bin/python install --no-cache-dir \
        --require-hashes --no-deps --only-binary :all: -r /build/requirements/runtime.txt
COPY pyproject.toml README.md LICENSE /build/
COPY reconciler/ /build/reconciler/
RUN /build/tools/bin/pip wheel --no-deps --no-build-isolation --no-index --wheel-dir /build/dist /build \
    && /build/tools/bin/pip --python /opt/reconciler/bin/python install --no-deps --no-index /build/dist/*.whl \
    && /opt/reconciler/bin/python -m compileall -q /opt/reconciler/lib

FROM python:3.11-slim
# Compiled above and never written again: it runs on a read-only root file system.
ENV PATH=/opt/reconciler/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
COPY --from=builder /opt/reconciler /opt/reconciler
# A number, so that an orchestrator can see that it is not root; no such user need exist.
USER 10001:10001
WORKDIR /
# True today: the database answers and its indexes are looked at. There is no daemon yet to ask.
HEALTHCHECK --interval=30s --timeout=15s --start-period=10s --retries=3 \
    CMD reconciler db status >/dev/null 2>&1 || exit 1
ENTRYPOINT ["reconciler"]
CMD ["check"]
