"""Runs the program in the project's Python, as `pulumi-language-python-exec` of the Pulumi CLI does.

Started by path, so it stands alone: standard library and the SDK only.
Arguments: monitor, engine, project, root directory, stack, preview (true or false), parallel.
"""

import asyncio
import logging
import os
import runpy
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor

import pulumi
import pulumi.runtime

# The language host says nothing more when the program has shown its error with this code.
SHOWN = 32


def run_program() -> None:
    """Run `__main__.py` of the working directory."""
    runpy.run_path(".", run_name="__main__")


def end_with_engine() -> None:
    """End the process when the engine is gone: it holds the other end of stdin."""
    os.read(sys.stdin.fileno(), 1)
    os._exit(SHOWN)


def main(monitor: str, engine: str, project: str, root: str, stack: str, preview: str, parallel: str) -> int:
    """Return 0, 1 after a `RunError`, 32 after any other exception."""
    threading.Thread(target=end_with_engine, daemon=True).start()
    pulumi.runtime.set_all_config(pulumi.runtime.get_config_env(), pulumi.runtime.get_config_secret_keys_env())
    pulumi.runtime.configure(
        pulumi.runtime.Settings(
            monitor=monitor,
            engine=engine,
            project=project,
            stack=stack,
            parallel=int(parallel),
            dry_run=preview == "true",
            organization="organization",
            root_directory=root,
        )
    )
    sys.argv = ["."]
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    executor = ThreadPoolExecutor(max_workers=int(parallel) * 4)
    loop.set_default_executor(executor)
    # A failing program leaves futures nobody looks at; asyncio would report each of them.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    try:
        loop.run_until_complete(pulumi.runtime.run_in_stack(run_program))
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
        return 1
    except Exception as error:  # noqa: BLE001  whatever the program raised is its user's to read
        frames = traceback.extract_tb(error.__traceback__)
        own = next((i for i, frame in enumerate(frames) if frame.filename.startswith(os.getcwd())), 0)  # noqa: PTH109
        text = "".join(traceback.format_exception(type(error), error, error.__traceback__, limit=own - len(frames)))
        pulumi.log.error(f"Program failed with an unhandled exception:\n{text}")
        return SHOWN
    finally:
        executor.shutdown(wait=True)
        loop.close()
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
