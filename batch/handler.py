"""Lambda entry point of the second function: the steps of the state machine, and photos that arrive in a bucket.

| event | what it does | answer |
| --- | --- | --- |
| `{"step": "open", "input"}` | makes the header of an output, or checks the one that there is | the header |
| `{"step": "plan", "run", "input"}` | lists the source, and writes the manifest of the run | where the manifest is |
| `{"step": "answer", "run", "input", "batch"}` | answers a batch, and writes its part | 0 |
| the same with `"singly": true` | does so photo by photo, and goes on behind the photo that killed its process | 0 |
| `{"step": "merge", "run", "input", "functions"}` | counts all rows, and writes the summary | how much is missing |
| `{"Records": …}` of SQS | answers the photos that arrived | the messages that failed |

`input` is `{"source": …, "output": …}`, two addresses in S3, for `open` with the options `new` and `keep_embeddings`.
serverless-batch.yml has the state machine, and docs/batch.md describes it.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from aws_lambda_powertools import Logger

from batch import arrivals, parts, planning, singly, summary, worker
from batch.contract import HEADER, Batch, Header
from batch.cost import Functions
from batch.endings import is_cancelled, stop
from batch.errors import BatchError, BatchUnavailableError, OutputError
from batch.planning import Plan
from batch.serving import Serving
from batch.storage import Storage
from model.errors import BundleError, BundleUnavailableError, RosterError
from model.settings import Settings
from model.space import embedding_space
from model.storage import bucket_and_key

MOST_TO_DO: Final = 120_000
"""The most batches of a run. Each adds two characters to the output of the Map, which may have 256 KB. Source:
https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html."""

_RESERVE_MS: Final = 120_000
"""Listing must end so long before Lambda ends the call: the manifest is written afterwards."""

_TOO_MANY: Final = (
    "{} has more photos than one run on AWS can take. Run the folders in it one after the other, each into an output "
    "of its own."
)


class StopError(Exception):
    """No other attempt can mend it. The state machine knows it by its name."""


class Steps:
    """The steps of the state machine in one process."""

    def __init__(self, settings: Settings, logger: Logger, serving: Serving | None = None) -> None:
        """Serve the models that `settings` name; the logger gets a line for each call, without any key."""
        self.serving = serving or Serving(settings)
        self._base, self._engine, self._logger = settings.batch_output, settings.engine, logger
        self._steps = {"open": self._open, "plan": self._plan, "answer": self._answer, "merge": self._merge}

    def handle(self, event: Any, context: Any) -> Any:
        """Return the answer to an event; `context` is Lambda's.

        Raises:
            StopError: no other attempt can mend it.
            BatchError, ModelError: another attempt may succeed.
        """
        with _stopping():
            if isinstance(event, dict) and isinstance(event.get("Records"), list):
                return arrivals.answer(event["Records"], self.serving, self._base, self._logger.error)
            step = self._steps.get(str(event.get("step"))) if isinstance(event, dict) else None
            if step is None:
                raise StopError("The event is of no step of the state machine, and not of SQS.")
            with self._written_down(event):
                return step(event, context)

    @contextmanager
    def _written_down(self, event: dict[str, Any]) -> Iterator[None]:
        """Write down why a batch, and so every batch of its run, cannot be done."""
        try:
            with _stopping():
                yield
        except StopError as error:
            if event["step"] == "answer":
                with suppress(BatchError):  # S3 may be what refuses
                    stop(self.serving.output(event["input"]["output"]), event["run"], str(error))
            raise

    def _open(self, event: dict[str, Any], _: Any) -> dict[str, Any]:
        given = event["input"]
        manifest = self.serving.manifest()
        header = Header(
            self.serving.source(given["source"]).location,
            manifest.version,
            embedding_space(manifest),
            datetime.now(UTC).isoformat(timespec="seconds"),
            engine=self._engine,
            keep_embeddings=bool(given.get("keep_embeddings")),
        )
        output = self.serving.output(given["output"])
        planning.check_apart(header.source, output.location)
        planning.check_source(self.serving.source(header.source))
        return asdict(planning.open_output(output, header, new=bool(given.get("new"))))

    def _plan(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        output, header = self._output(event)

        def check_time(_: int) -> None:
            if context.get_remaining_time_in_millis() < _RESERVE_MS:
                raise StopError(_TOO_MANY.format(header.source))

        plan = planning.plan(self.serving.source(header.source), output, header, event["run"], check_time)
        if plan.to_do > MOST_TO_DO:
            raise StopError(_TOO_MANY.format(header.source))
        self._logger.info("planned", photos=plan.photos, batches=plan.batches, to_do=plan.to_do)
        return {"input": event["input"], "batches": plan.to_do, "manifest": _object(output, plan)}

    def _answer(self, event: dict[str, Any], _: Any) -> int:
        start = time.monotonic()
        output, header = self._output(event)
        batch = Batch.from_json(event["batch"])
        if not is_cancelled(output, event["run"]):
            model, source = self.serving.model(header), self.serving.source(header.source)
            if event.get("singly"):
                parts.write(output, singly.answer(batch, event["run"], source, output, model, header))
                singly.tidy(batch, event["run"], output, header)
            else:
                parts.write(output, worker.answer(batch, source, output, model, header))
            seconds = round(time.monotonic() - start, 3)
            self._logger.info("batch", batch=batch.name, photos=len(batch.photos), seconds=seconds)
        return 0

    def _merge(self, event: dict[str, Any], _: Any) -> dict[str, Any]:
        output, header = self._output(event)
        found = summary.finish(output, header, event["run"], functions=Functions.from_json(event.get("functions")))
        return {"photos": found["photos"], "missing_batches": found["missing_batches"]}

    def _output(self, event: dict[str, Any]) -> tuple[Storage, Header]:
        output = self.serving.output(event["input"]["output"])
        header = planning.read_header(output)
        if header is None:
            raise OutputError(f"{output.location} has no {HEADER} any more. Run the batch again.")
        return output, header


def _object(output: Storage, plan: Plan) -> dict[str, str]:
    """Return bucket and key of the manifest, for the state machine."""
    bucket, prefix = bucket_and_key(output.location)
    return {"bucket": bucket, "key": f"{prefix}{planning.manifest_file(plan.run)}"}


@contextmanager
def _stopping() -> Iterator[None]:
    """Turn each error that no other attempt can mend into a StopError."""
    try:
        yield
    except (BatchUnavailableError, BundleUnavailableError):
        raise
    except (BatchError, BundleError, RosterError) as error:
        raise StopError(str(error)) from error


settings = Settings.read()
logger = Logger(service=settings.service, utc=True)
steps = Steps(settings, logger)
lambda_handler = logger.inject_lambda_context(steps.handle, clear_state=True)
