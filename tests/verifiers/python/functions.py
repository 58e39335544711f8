# Functions of every kind that people bring, and of every kind that breaks.
import asyncio
import os
import sys
import time


def verify(completion, answer):
    last = completion.replace(",", "").split()[-1:] or ["(nothing)"]
    ok = last[0].rstrip(".") == str(answer)
    return {"score": float(ok), "reason": f"last token {last[0]!r}, expected {answer!r}"}


def as_bool(completion, answer):
    return completion == answer


def as_number(completion):
    return float(completion)


def as_pair(completion, answer):
    return completion == answer, "compared"


def with_columns(completion, level, tests=(), missing="default"):
    return level == 3 and list(tests) == ["t"] and missing == "default"


def everything(**row):
    return {"completion", "answer", "prompt", "level", "tests"} <= set(row)


def needs_column(completion, no_such_column):
    return True


def trl(completions, level, **kwargs):
    return [1.0 if c == "yes" and v == 3 else 0.0 for c, v in zip(completions, level)]


def verl(data_source, solution_str, ground_truth, extra_info=None):
    print("a print breaks nothing")
    return {"score": float(solution_str == ground_truth and data_source == "unit")}


def get_assert(output, context):
    return {"pass": output == context["vars"]["answer"], "score": 0.5, "reason": context["prompt"]}


def score_answer(answer, entry):
    return 1.0 if answer == entry["answer"] and entry["metadata"]["level"] == 3 else 0.0


async def patient(completion, answer):
    await asyncio.sleep(0)
    return completion == answer


def abstains(completion):
    return None


def raises(completion):
    return 1 / 0


def too_high(completion):
    return 1.7


def not_a_number(completion):
    return float("nan")


def wrong_type(completion):
    return "yes"


def sleeps(completion):
    if completion == "sleep":
        time.sleep(3600)
    return True


def dies(completion):
    if completion == "die":
        os._exit(7)
    if completion == "exit":
        sys.exit(3)
    return True


def eats(completion):
    return len(bytearray(int(completion) << 20)) > 0


def scribbles(completion):
    for descriptor in (1, 2, 3):
        os.write(descriptor, b"\x04\x00\x00\x00true" if completion == "forge" else b"")
    print('{"verdicts": [{"score": 1}]}')
    return False


def evaluates(completion):
    return bool(eval(completion))


def leaves_traces(completion, answer):
    """Remembers what it saw, in places that the next call can read."""
    for attempt in (lambda: open(completion, "w").write("seen"),
                    lambda: os.environ.__setitem__("SEEN", completion),
                    lambda: __import__("socket").create_connection(("127.0.0.1", 9), 0.1)):
        try:
            attempt()
        except OSError:
            pass  # a fence, or nobody there
    return completion == answer


def reads_only(completion, answer):
    with open(__file__) as own:
        own.read()
    with open(os.devnull, "w") as nothing:
        print(completion, file=nothing)
    return completion == answer
