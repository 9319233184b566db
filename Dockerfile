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
COPY pyproject.toml README.md LICENSE freeze.toml /build/
COPY freezes/ /build/freezes/
COPY docs/PAYMENT_SYNC_SPEC.md /build/docs/
COPY reconciler/ /build/reconciler/
RUN /build/tools/bin/pip wheel --no-deps --no-build-isolation --no-index --wheel-dir /build/dist /build \
    && /build/tools/bin/pip --python /opt/reconciler/bin/python install --no-deps --no-index /build/dist/*.whl \
    && /opt/reconciler/bin/python -m compileall -q /opt/reconciler/lib

FROM python:3.11-slim
# Compiled above and never written again: it runs on a read-only root file system.
ENV PATH=/opt/reconciler/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    RECONCILER_API__HOST=0.0.0.0
COPY --from=builder /opt/reconciler /opt/reconciler
# A number, so that an orchestrator can see that it is not root; no such user need exist.
USER 10001:10001
WORKDIR /
# Beyond loopback the daemon does not start without tokens, and says so: compose.yaml shows how to give it one.
EXPOSE 8080
# Of plain HTTP; with TLS a deployment has a check of its own.
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s --retries=3 \
    CMD python -c "import os, urllib.request as u; u.build_opener(u.ProxyHandler({})).open('http://127.0.0.1:' + os.environ.get('RECONCILER_API__PORT', '8080') + '/healthz/ready', timeout=5)" >/dev/null 2>&1 || exit 1
ENTRYPOINT ["reconciler"]
CMD ["run"]
