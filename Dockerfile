# One image for every process: `docker run IMAGE` is `tally serve`, `docker run IMAGE web` one web process, and so on.

FROM node:22-slim AS ui
WORKDIR /src/web/ui
COPY web/ui/package.json web/ui/package-lock.json web/ui/.npmrc ./
RUN npm ci --no-audit --no-fund
COPY web/ui ./
RUN npm run build

FROM python:3.12-slim AS build
ENV UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy
WORKDIR /src
COPY requirements-tools.lock requirements-build.lock requirements.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements-tools.lock && python -m venv /opt/tally \
 && uv pip install --no-cache --python /opt/tally/bin/python --require-hashes -r requirements.lock -r requirements-build.lock
COPY . .
COPY --from=ui /src/web/static web/static
RUN uv pip install --no-cache --python /opt/tally/bin/python --no-build-isolation --no-deps .

FROM python:3.12-slim
# SRT goes through the system's library; without it everything else runs.
RUN apt-get update && apt-get install -y --no-install-recommends libsrt1.5-openssl && rm -rf /var/lib/apt/lists/*
# The embedded PostgreSQL refuses root, and nothing here needs it.
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin tally && install -d -o tally -g tally -m 700 /data
COPY --from=build /opt/tally /opt/tally
ENV PATH=/opt/tally/bin:$PATH PYTHONUNBUFFERED=1 TALLY_DATA=/data TALLY_LOG_FORMAT=json
USER tally
WORKDIR /data
VOLUME /data
EXPOSE 8080 1935 6667 8890/udp
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-m", "config.health"]
ENTRYPOINT ["tally"]
CMD ["serve"]
