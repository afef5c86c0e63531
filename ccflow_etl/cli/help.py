"""What `--help` prints."""

_ARGUMENTS = """\
Arguments
  key=value                set a key of the config      context.path=./out.json
  +key=value               add a key                    +context.start_datetime=2026-05-01
  ~key                     delete a key                 ~context.overwrite
  group=option             choose a file of a group     backfill=daily
  callable=/path           run another registered model callable=/backfill

Flags
  --config-path, -cp DIR   the folder of your configs; a relative path starts in the working folder
  --config-name, -cn NAME  the config to compose, without .yaml (default: base)
  --config-dir, -cd DIR    one more folder of config groups
"""

_COMMON = """\
  --cfg, -c job            print the composed config
  --debug                  show the full traceback of an error (as HYDRA_FULL_ERROR=1 does)
  --version                print the version
  --help, -h               print this; --hydra-help prints Hydra's own flags, which all work
"""

_EXIT_CODES = """\
Exit codes: 0 it worked, 1 the run failed, 2 the arguments or the config are wrong, 130 interrupted,
  141 nobody reads stdout any more, 143 terminated.
"""

HELP = {
    "cc-etl": f"""\
cc-etl runs a configured ccflow callable and prints its result.

Examples
  cc-etl
      writes a small example-output.json with the packaged config
  cc-etl context.path=./example-output.json context.payload.message='hello from ccflow-etl'
      the same with a path and a message of your own
  cc-etl --config-path ./config --config-name text_stats context.input_path=./notes.txt
      runs ./config/text_stats.yaml; a module in the working folder can be named as a _target_
  cc-etl --config-path ./config --config-name text_stats_runner backfill=daily \\
      +context.start_datetime=2026-05-01 +context.end_datetime=2026-05-15 +context.calendar=/calendars/weekdays
      runs the config's model once per weekday of a date range
  cc-etl --config-path ./config --config-name text_stats_runner backfill=daily --from-plan plan.parquet
      runs the steps of a plan that cc-etl-plan saved, and no others

A config has model (the callable), callable (the registry path to run), context (what it is called with) and
cli.model (a ccflow.FlowOptions). The packaged groups are callable, backfill and calendars.
cc-etl-explain prints the config that the same arguments compose, cc-etl-plan the steps that they would run.

{_ARGUMENTS}\
  --from-plan FILE         run a saved plan: its context, its steps; with a checkpoint store it goes on where it was
  --report FILE.html       write a page of the run, however it ends: a map of its steps, failures, config, versions
  --json                   print the result as one line of JSON on stdout; all else goes to stderr
  --multirun, -m           run once for each combination of values: context.min_length=1,2,3
{_COMMON}
Logs go to stderr, hydra.verbose=ccflow shows each evaluation. No folder is made unless you set hydra.run.dir
(with -m hydra.sweep.dir).
{_EXIT_CODES}""",
    "cc-etl-explain": f"""\
cc-etl-explain prints the config that cc-etl would run with the same arguments, resolved, and runs nothing.

Examples
  cc-etl-explain context.path=./example-output.json
  cc-etl-explain --config-path ./config --config-name text_stats --provenance
      which file or override set each value

{_ARGUMENTS}\
  --provenance             one line per value, with the file or the override that set it
  --json                   print the config (or the provenance) as JSON
  --gui                    open the config in a browser (needs panel)
{_COMMON}
{_EXIT_CODES}""",
    "cc-etl-plan": f"""\
cc-etl-plan prints what cc-etl would do with the same arguments, step by step, and runs nothing.

Examples
  cc-etl-plan --config-path ./config --config-name text_stats_runner backfill=daily \\
      +context.start_datetime=2026-05-01 +context.end_datetime=2026-05-15 --output plan.parquet
      shows the first and last steps, how many are planned or done, and saves the plan; pandas can read it
  cc-etl-plan --config-path ./config --config-name sales --status
      shows how many steps are marked as succeeded or failed or not at all, the gaps, and the last failures
  cc-etl-plan --config-path ./config --config-name sales --clear '*/2026-05-*'
      removes the marks of the steps of May, so that they run again

The plan is the run: cc-etl with the same config and --from-plan plan.parquet runs exactly these steps, today or next
week, whatever "yesterday" or "latest" is by then. The context need not be given again.

{_ARGUMENTS}\
  --output FILE            save the plan as Parquet
  --from-plan FILE         print what is left of a saved plan
  --status                 print the marks of the steps instead: by status, the gaps, the last failures
  --clear KEY-GLOB         remove the marks of the steps with such keys, after a question: --clear '*/2026-05-*'
  --clear-failed           remove the marks of the steps that failed, after a question
  --yes                    remove without a question; needed where there is no terminal
  --json                   print the plan, with all steps, or the status, as one line of JSON
{_COMMON}
{_EXIT_CODES}""",
}
