"""Compiles csrc/ into casgi._core: several files at once, and only those that changed.

The environment chooses what is built, each kind in a folder of objects of its own:
CASGI_DEBUG=1 (assertions, no optimisation), CASGI_SANITIZE=address,undefined,
CASGI_COVERAGE=1 (gcov), CASGI_WERROR=1 (a warning is an error).
"""

import hashlib
import os
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from setuptools import Extension
from setuptools.command.build_ext import build_ext

from native_libraries import LibraryMissingError, NativeLibraries, find_native_libraries

ROOT = Path(__file__).resolve().parent.parent


def core_extension() -> Extension:
    """Return the extension with every C file under csrc/."""
    sources = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("csrc/**/*.c"))
    headers = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("csrc/**/*.h"))
    return Extension("casgi._core", sources=sources, depends=headers)


class BuildCore(build_ext):
    """build_ext with a memory of what it has compiled."""

    def finalize_options(self) -> None:
        """Keep objects from one build to the next."""
        super().finalize_options()
        # pip's editable installs would otherwise compile in a temporary folder, from nothing.
        self.build_temp = str(ROOT / "build" / "objects")

    def build_extension(self, extension: Extension) -> None:
        """Compile what changed, and link."""
        try:
            libraries = find_native_libraries()
        except LibraryMissingError as error:
            raise SystemExit(f"casgi: {error}") from None
        flags = ["-Icsrc", *libraries.compile_args, *_optimisation_flags()]
        objects_folder = self._objects_folder(flags)
        objects = self._compile(extension, flags, libraries, objects_folder)
        output = Path(self.get_ext_fullpath(extension.name))
        output.parent.mkdir(parents=True, exist_ok=True)
        self.compiler.link_shared_object(
            objects, str(output), extra_postargs=[*_instrumentation(), *libraries.link_args]
        )

    def _objects_folder(self, flags: list[str]) -> Path:
        """Return a folder for objects of this Python and these flags only."""
        kind = " ".join([*flags, *_warning_flags(), *self.compiler.compiler_so])
        digest = hashlib.sha256(kind.encode()).hexdigest()[:8]
        return Path(self.build_temp) / f"{sysconfig.get_config_var('SOABI')}-{digest}"

    def _compile(
        self, extension: Extension, flags: list[str], libraries: NativeLibraries, folder: Path
    ) -> list[str]:
        own_flags = [*flags, *_warning_flags()]
        foreign_flags = [*flags, "-w"]
        jobs = [(source, own_flags) for source in extension.sources]
        jobs += [(source, foreign_flags) for source in libraries.sources]

        def compile_one(job: tuple[str, list[str]]) -> str:
            source, source_flags = job
            target: str = self.compiler.object_filenames([source], output_dir=str(folder))[0]
            if not _is_up_to_date(Path(target)):
                self.compiler.compile(
                    [source],
                    output_dir=str(folder),
                    include_dirs=self.include_dirs,
                    extra_postargs=["-MMD", *source_flags],
                )
            return target

        with ThreadPoolExecutor(self.parallel or os.cpu_count()) as pool:
            return list(pool.map(compile_one, jobs))


def _optimisation_flags() -> list[str]:
    flags = ["-std=c11", "-D_GNU_SOURCE", "-fvisibility=hidden", *_instrumentation()]
    if _is_set("CASGI_DEBUG"):
        flags += ["-g3", "-UNDEBUG", "-DCASGI_DEBUG=1"]
    if _is_set("CASGI_DEBUG") or _instrumentation():
        # Debian's Python asks for fortified calls, which need an optimising compiler.
        optimisation = "-O1" if os.environ.get("CASGI_SANITIZE") else "-O0"
        return [*flags, "-U_FORTIFY_SOURCE", optimisation]
    return [*flags, "-O3"]


def _instrumentation() -> list[str]:
    """Return the flags that compiler and linker both need."""
    flags = []
    sanitizers = os.environ.get("CASGI_SANITIZE")
    if sanitizers:
        flags += [f"-fsanitize={sanitizers}", "-fno-omit-frame-pointer", "-g"]
        if "undefined" in sanitizers:
            flags.append("-fno-sanitize-recover=undefined")
    if _is_set("CASGI_COVERAGE"):
        flags.append("--coverage")
    return flags


def _warning_flags() -> list[str]:
    flags = ["-Wall", "-Wextra", "-Wshadow", "-Wmissing-prototypes"]
    return [*flags, "-Werror"] if _is_set("CASGI_WERROR") else flags


def _is_set(name: str) -> bool:
    return os.environ.get(name, "0") not in ("", "0")


def _is_up_to_date(target: Path) -> bool:
    """Whether the object is newer than everything that its compiler says it was made from."""
    dependencies = target.with_suffix(".d")
    if not (target.exists() and dependencies.exists()):
        return False
    rule = dependencies.read_text().replace("\\\n", " ").partition(": ")[2]
    try:
        made = target.stat().st_mtime_ns
        return all(Path(source).stat().st_mtime_ns < made for source in rule.split())
    except FileNotFoundError:
        # A header was renamed, or its name has a space: compiling again is never wrong.
        return False
