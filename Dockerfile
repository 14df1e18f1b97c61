# syntax=docker/dockerfile:1
# One image for every process: docker run leadstreams worker | collector | topics create | ...

FROM python:3.11-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
COPY requirements.lock /opt/leadstreams/
RUN /opt/venv/bin/pip install --require-hashes -r /opt/leadstreams/requirements.lock
WORKDIR /opt/leadstreams
COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY streams streams
COPY deploy deploy
# Editable, so that the program finds its models and mappings in deploy/ as it does in a clone.
RUN /opt/venv/bin/pip install --no-deps --no-build-isolation -e . && python -m compileall -q schemas streams

FROM python:3.11-slim
LABEL org.opencontainers.image.title="leadstreams" org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin leadstreams
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/leadstreams /opt/leadstreams
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001
WORKDIR /opt/leadstreams
EXPOSE 8800 9470
ENTRYPOINT ["leadstreams"]
CMD ["--help"]
