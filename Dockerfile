# One image for every part; which part a container is, its command says: serve, worker, beat, listen, migrate.
FROM python:3.12-slim AS build
WORKDIR /src
# Everything that is locked, its hashes checked; installed is only what the product itself needs.
COPY requirements.lock ./
RUN pip download --no-cache-dir --require-hashes -r requirements.lock -d /wheels \
    && pip install --no-cache-dir --no-index --find-links /wheels hatchling
COPY pyproject.toml README.md LICENSE cli.py ./
COPY commands commands
COPY connectors connectors
COPY core core
COPY examples examples
COPY sandbox sandbox
COPY sync sync
COPY web web
RUN pip wheel --no-cache-dir --no-index --no-deps --no-build-isolation -w /wheels . \
    && python -m venv /opt/qudao \
    && /opt/qudao/bin/pip install --no-cache-dir --no-index --find-links /wheels "qudao[jd-push]"

FROM python:3.12-slim
RUN useradd --system --uid 10001 --home-dir /data qudao && mkdir /data && chown qudao /data
COPY --from=build /opt/qudao /opt/qudao
ENV PATH=/opt/qudao/bin:$PATH PYTHONUNBUFFERED=1 QUDAO_DATA_DIR=/data QUDAO_HOST=0.0.0.0 QUDAO_PORT=8080
USER qudao
WORKDIR /data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["qudao"]
CMD ["serve"]
