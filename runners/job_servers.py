"""Java job servers of Flink and Spark, composed from Maven artifacts and run under supervision.

A job server is a jar that holds nothing but a manifest: ``Main-Class``, and the artifacts of a
locked list as its ``Class-Path``. Beam's own launcher then takes it as it takes its shaded jars.
"""

import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from runners import java, maven, residuals
from runners.jar import write_jar

__all__ = ["FLINK", "JAVA", "SPARK", "JobServer", "compose", "jvm_command"]

#: Flink 1.19 and Spark 3.5 support Java 17, not 21.
JAVA = 17

# JAR specification, "Notes on Manifest and Signature Files": no line longer than 72 bytes.
_LINE_BYTES = 72

# Beam sends each file of the class path to Flink with each job, and has no option against it, but
# for those of a folder by this name (org.apache.beam.sdk.util.construction.resources.
# PipelineResources). It looks through symbolic links.
_UNSENT = "gradle/wrapper"

# What files of Flink itself are named. Every cluster has them, and takes its own in any case
# (classloader.parent-first-patterns.default).
_FLINKS_OWN = "flink-"

_JVM = (
    # Only small elements, never a segment, pass through the JVM. Its default: a quarter of memory.
    "-Xmx1g",
    # Short jobs spend their time on loading classes: with these two a toy drain takes half as long.
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
)

# org.apache.flink's bin/config.sh and docs, "Java compatibility": reflection of serializers.
_FLINK_OPENS = (
    "java.base/java.lang",
    "java.base/java.net",
    "java.base/java.nio",
    "java.base/java.text",
    "java.base/java.time",
    "java.base/java.util",
    "java.base/java.util.concurrent",
    "java.base/java.util.concurrent.atomic",
    "java.base/java.util.concurrent.locks",
)

# org.apache.spark.launcher.JavaModuleOptions of Spark 3.5.
_SPARK_OPENS = (
    "java.base/java.io",
    "java.base/java.lang",
    "java.base/java.lang.invoke",
    "java.base/java.lang.reflect",
    "java.base/java.net",
    "java.base/java.nio",
    "java.base/java.util",
    "java.base/java.util.concurrent",
    "java.base/java.util.concurrent.atomic",
    "java.base/sun.nio.ch",
    "java.base/sun.nio.cs",
    "java.base/sun.security.action",
    "java.base/sun.util.calendar",
)


@dataclass(frozen=True, kw_only=True)
class JobServer:
    """A job server that can be composed.

    Attributes:
        name: runner and version; also the name of its locked list of artifacts.
        main_class: its Java entry point.
        megabytes: size of its artifacts, for the message before the download.
        jvm: options of its JVM.
    """

    name: str
    main_class: str
    megabytes: int
    jvm: tuple[str, ...]


def _opens(packages: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"--add-opens={package}=ALL-UNNAMED" for package in packages)


FLINK = JobServer(
    name="flink-1.19",
    main_class="org.apache.beam.runners.flink.FlinkJobServerDriver",
    megabytes=145,
    jvm=(*_JVM, *_opens(_FLINK_OPENS)),
)

SPARK = JobServer(
    name="spark-3",
    main_class="org.apache.beam.runners.spark.SparkJobServerDriver",
    megabytes=235,
    jvm=(
        *_JVM,
        *_opens(_SPARK_OPENS),
        # A second copy of a running task would race with the first for the lake's next commit.
        "-Dspark.speculation=false",
        "-Dspark.ui.enabled=false",
    ),
)


def compose(
    server: JobServer, *, notify: Callable[[str], None], class_path: Collection[str] = ()
) -> Path:
    """Returns the jar that starts ``server``, fetching what is not there yet.

    Args:
        server: which one.
        notify: gets one line that says which job server is used.
        class_path: names of the files on the cluster's own class path. Flink's job server sends
            90 MB with each job, but nothing to a cluster that was started from this very jar, as
            `runners.local`'s: what it returns without this argument.

    Raises:
        MavenError: an artifact can't be fetched.
    """
    folder = maven.cache_dir() / "job-servers"
    coordinates = maven.locked(server.name)
    notify(
        f"Job server {server.name}: composed from {len(coordinates)} Maven artifacts "
        f"({server.megabytes} MB, fetched once)"
    )
    jars = maven.jars(coordinates, label=f"the job server {server.name}")
    if server is not FLINK:
        return _composed(server, jars, folder)
    jars = residuals.mended(jars, folder)
    own = [jar for jar in jars if jar.name.startswith(_FLINKS_OWN)]
    path = _composed(server, _without_sending(own, jars, folder), folder)
    if path.name not in class_path:
        return path
    return _composed(server, _without_sending(jars, jars, folder), folder)


def _composed(server: JobServer, jars: Sequence[Path], folder: Path) -> Path:
    """Returns the jar whose manifest names ``jars``, written if it isn't there."""
    text = _manifest(server.main_class, jars)
    path = folder / f"{server.name}-{hashlib.sha256(text).hexdigest()[:16]}.jar"
    if not path.exists():
        write_jar(path, "META-INF/MANIFEST.MF", text)
    return path


def jvm_command(server: JobServer, log: Path, launcher: str | None = None) -> list[str]:
    """Returns the command that runs ``server``'s JVM supervised; ``-jar JAR ...`` goes behind it.

    Args:
        server: whose JVM options are taken.
        log: file that gets the server's output.
        launcher: a Java executable of the user's; else one is looked for.

    Raises:
        JavaNotFoundError: this machine has no fitting Java.
    """
    executable = launcher or str(java.find(minimum=JAVA, maximum=JAVA).executable)
    supervisor = Path(__file__).with_name("_supervisor.py")
    return [sys.executable, str(supervisor), str(log), executable, *server.jvm]


def log_file(server: JobServer) -> Path:
    """Returns where the output of a job server of this process goes."""
    return maven.cache_dir() / "logs" / f"{server.name}-job-server-{os.getpid()}.log"


def _without_sending(unsent: Sequence[Path], jars: Sequence[Path], folder: Path) -> list[Path]:
    """Returns ``jars`` in their order, those of ``unsent`` at paths that Beam doesn't send."""
    return [_hidden(jar, folder / _UNSENT) if jar in unsent else jar for jar in jars]


def _hidden(jar: Path, folder: Path) -> Path:
    other = folder / jar.name
    if not other.exists():
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f".{jar.name}.{os.getpid()}"
        try:
            part.hardlink_to(jar)
        except OSError:  # on another file system
            shutil.copyfile(jar, part)
        part.replace(other)
    return other


def _manifest(main_class: str, jars: Sequence[Path]) -> bytes:
    """Returns the manifest of a jar that runs ``main_class`` with ``jars`` as its class path."""
    lines = (
        "Manifest-Version: 1.0",
        f"Main-Class: {main_class}",
        f"Class-Path: {' '.join(jar.as_uri() for jar in jars)}",
    )
    return b"".join(_wrapped(line) for line in lines) + b"\r\n"


def _wrapped(line: str) -> bytes:
    """Returns a manifest line, continued after 72 bytes by lines that begin with a space."""
    rest = line.encode()
    parts = [rest[:_LINE_BYTES]]
    rest = rest[_LINE_BYTES:]
    while rest:
        parts.append(b" " + rest[: _LINE_BYTES - 1])
        rest = rest[_LINE_BYTES - 1 :]
    return b"".join(part + b"\r\n" for part in parts)
