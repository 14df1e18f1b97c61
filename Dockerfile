# syntax=docker/dockerfile:1
# One image for every process: docker run leadstreams worker | collector | connect NAME | topics create | ...
# It needs no writable file system: docker run --read-only --tmpfs /tmp.

FROM python:3.11.13-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
WORKDIR /src
COPY requirements.lock ./
RUN /opt/venv/bin/pip install --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY deploy deploy
COPY streams streams
# A wheel holds the models, lists, mappings and connectors of deploy/ as well.
RUN /opt/venv/bin/pip wheel --no-deps --no-build-isolation -w /tmp/wheel . \
    && /opt/venv/bin/pip install --no-deps --no-index /tmp/wheel/*.whl \
    && /opt/venv/bin/python -m compileall -q /opt/venv/lib/python3.11/site-packages/streams \
        /opt/venv/lib/python3.11/site-packages/schemas

FROM python:3.11.13-slim-bookworm
LABEL org.opencontainers.image.title="leadstreams" org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin leadstreams
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /tmp
EXPOSE 8800 9470 9480
ENTRYPOINT ["leadstreams"]
CMD ["--help"]
