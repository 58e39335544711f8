# The worker of the python verifier: imports a user's function once and calls it for every
# completion that arrives on the channel. Frames are four bytes of length and a JSON document.
import importlib.util
import inspect
import json
import math
import os
import resource
import struct
import sys
import time
import traceback

ANSWER_INTERVAL_S = 0.02


class Channel:
    """The stream to the verifier, out of the reach of print() and sys.stdout."""

    def __init__(self, descriptor):
        # The user's function may write to 1, 2 and 3 as it likes.
        self.descriptor = os.dup(descriptor)
        os.set_inheritable(self.descriptor, False)
        os.dup2(0, descriptor)  # /dev/null, which a fence lets nobody open for writing

    def read(self):
        (size,) = struct.unpack("<I", self._read_bytes(4))
        return json.loads(self._read_bytes(size))

    def write(self, document):
        body = json.dumps(document, ensure_ascii=True, allow_nan=False).encode()
        data = memoryview(struct.pack("<I", len(body)) + body)
        while data:
            data = data[os.write(self.descriptor, data):]

    def _read_bytes(self, size):
        parts = []
        while size:
            part = os.read(self.descriptor, min(size, 1 << 20))
            if not part:
                os._exit(0)  # the verifier is gone
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


def limit_memory(bytes_max):
    if bytes_max:
        resource.setrlimit(resource.RLIMIT_AS, (bytes_max, bytes_max))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def load(path, name):
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    spec = importlib.util.spec_from_file_location("assay_user_verifier", path)
    if spec is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    function = getattr(module, name, None)
    if not callable(function):
        known = [key for key, value in vars(module).items() if inspect.isfunction(value)]
        raise ImportError(f"{path} has no function {name}; it has: {', '.join(known) or 'none'}")
    return function


def last_user_message(prompt):
    return [{"role": "user", "content": prompt}]


class Convention:
    """How arguments are made from a completion, told from the names of the parameters."""

    def __init__(self, function):
        parameters = inspect.signature(function).parameters.values()
        self.takes_all = any(p.kind is p.VAR_KEYWORD for p in parameters)
        self.names = [p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
        self.required = {p.name for p in parameters if p.default is p.empty and p.name in self.names
                         and p.kind is not p.VAR_KEYWORD}
        positional = [p.name for p in parameters if p.kind is p.POSITIONAL_ONLY]
        names = set(self.names)
        if positional:
            raise TypeError("parameters before `/` cannot be bound by name: " + ", ".join(positional))
        if "completions" in names:
            self.name, self.bind = "trl", self.trl
        elif {"solution_str", "ground_truth"} <= names:
            self.name, self.bind = "verl", self.verl
        elif self.names[:2] == ["output", "context"]:
            self.name, self.bind = "promptfoo", self.promptfoo
        elif self.names[:2] == ["answer", "entry"]:
            self.name, self.bind = "reasoning-gym", self.reasoning_gym
        else:
            self.name, self.bind = "named", self.named

    def named(self, item):
        values = {**item["columns"], **{key: item[key] for key in ("prompt", "completion", "answer")}}
        if self.takes_all:
            return values
        missing = self.required - values.keys()
        if missing:
            raise LookupError("no column for the parameter " + ", ".join(sorted(missing)) +
                              "; there are: " + ", ".join(sorted(values)))
        return {name: values[name] for name in self.names if name in values}

    def trl(self, item):
        values = {name: [value] for name, value in item["columns"].items()}
        values.update(completions=[item["completion"]], prompts=[item["prompt"]],
                      answer=[item["answer"]], ground_truth=[item["answer"]],
                      solution=[item["answer"]])
        if self.takes_all:
            return values
        return {name: values[name] for name in self.names if name in values}

    def verl(self, item):
        values = {"data_source": item["source"], "solution_str": item["completion"],
                  "ground_truth": item["answer"], "extra_info": item["columns"]}
        if self.takes_all:
            return values
        return {name: values[name] for name in self.names if name in values}

    def promptfoo(self, item):
        context = {"prompt": item["prompt"],
                   "vars": {**item["columns"], "prompt": item["prompt"], "answer": item["answer"]}}
        return {"output": item["completion"], "context": context}

    def reasoning_gym(self, item):
        entry = {"question": item["prompt"], "answer": item["answer"], "metadata": item["columns"]}
        return {"answer": item["completion"], "entry": entry}


def read_score(value):
    if isinstance(value, bool):
        return float(value)
    if hasattr(value, "item") and callable(value.item):
        value = value.item()  # a number of an array library
    if not isinstance(value, (int, float)):
        raise TypeError(f"a score is a number, not {type(value).__name__}")
    score = float(value)
    if not math.isfinite(score) or not 0 <= score <= 1:
        raise ValueError(f"the score {score} is outside [0, 1]")
    return score


def read_answer(answer):
    """A verdict from what the function returned: bool, number, (score, reason) or a mapping."""
    if answer is None:
        return {"abstains": True}
    if isinstance(answer, dict):
        if answer.get("score") is None and answer.get("pass") is None:
            raise KeyError("the mapping has neither `score` nor `pass`")
        verdict = {"reason": str(answer.get("reason", ""))}
        if answer.get("pass") is not None:
            verdict["pass"] = bool(answer["pass"])
        score = answer.get("score")
        verdict["score"] = read_score(verdict["pass"] if score is None else score)
        return verdict
    if isinstance(answer, tuple):
        if len(answer) != 2:
            raise TypeError("a tuple is (score, reason)")
        return {"score": read_score(answer[0]), "reason": str(answer[1])}
    return {"score": read_score(answer), "reason": ""}


def place_of(error, path):
    """Where in the user's file it happened: a line number says more than a stack of addresses."""
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == path]
    return f" (line {lines[-1]})" if lines else ""


class SideEffects:
    """What a function does while it judges beside answering, told by the interpreter's own audit
    events: tried, whether a fence let it or not. Machine code that goes around the interpreter is
    not seen."""

    WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    KINDS = {
        "os.remove": "removes a file", "os.rename": "renames a file", "os.rmdir": "removes a folder",
        "os.mkdir": "makes a folder", "os.link": "links a file", "os.symlink": "links a file",
        "os.truncate": "changes a file", "os.chmod": "changes a file's rights",
        "os.putenv": "changes the environment", "os.unsetenv": "changes the environment",
        "os.chdir": "changes the working directory",
        "socket.connect": "uses the network", "socket.bind": "uses the network",
        "socket.sendto": "uses the network", "socket.getaddrinfo": "uses the network",
        "subprocess.Popen": "starts a program", "os.system": "starts a program",
        "os.exec": "starts a program", "os.posix_spawn": "starts a program",
        "os.fork": "makes a process", "os.forkpty": "makes a process", "os.kill": "sends a signal",
    }

    def __init__(self):
        self.is_judging = False
        self.known = set()
        self.new = []
        sys.addaudithook(self.note)

    def note(self, event, arguments):
        if not self.is_judging:
            return
        self.is_judging = False  # what this does is not the function's
        try:
            kind, detail = self.describe(event, arguments)
            if kind and kind not in self.known:
                self.known.add(kind)
                self.new.append(f"{kind}: {detail}"[:200])
        except Exception:
            pass  # an exception would stop what is only watched
        self.is_judging = True

    def describe(self, event, arguments):
        if event == "open":
            path, mode, flags = arguments
            is_written = bool(flags & self.WRITING) or any(c in str(mode or "") for c in "wax+")
            is_ours = not isinstance(path, (str, bytes)) or "__pycache__" in str(path)
            return (None, "") if is_ours or not is_written or path == os.devnull \
                else ("writes a file", repr(path))
        if event == "socket.__new__":
            # A pair with oneself, as an event loop has, reaches nobody.
            return ("uses the network", "socket()") if arguments[1] in (2, 10) else (None, "")
        kind = self.KINDS.get(event)
        shown = arguments[1:] if event.startswith("socket.") and event != "socket.getaddrinfo" \
            else arguments
        first = shown[0] if shown else ""
        return kind, repr(os.fsdecode(first) if isinstance(first, bytes) else first)

    def take(self):
        taken, self.new = self.new, []
        return {"effects": taken} if taken else {}


class Judge:
    def __init__(self, path, name):
        self.path = path
        self.function = load(path, name)
        self.effects = None  # watched where somebody asks
        self.convention = Convention(self.function)
        self.loop = None  # one for all calls: a new one each time costs a millisecond

    def wait_for(self, awaitable):
        if self.loop is None:
            import asyncio  # only functions that wait pay for it

            self.loop = asyncio.new_event_loop()
        return self.loop.run_until_complete(awaitable)

    def answer_to(self, item):
        answer = self.function(**self.convention.bind(item))
        return self.wait_for(answer) if inspect.isawaitable(answer) else answer

    def watched_answer_to(self, item):
        self.effects.is_judging = True
        try:
            return self.answer_to(item)
        finally:
            self.effects.is_judging = False

    def call(self, item):
        answer = self.watched_answer_to(item) if self.effects else self.answer_to(item)
        if self.convention.name == "trl":
            if not isinstance(answer, (list, tuple)) or len(answer) != 1:
                raise TypeError("a function of completions returns a list of as many scores")
            answer = answer[0]
        return read_answer(answer)

    def judge(self, item):
        try:
            verdict = self.call(item)
            verdict["reason"] = verdict.get("reason", "")[:2000]
            return verdict
        except Exception as error:  # whatever a user's function may raise
            return {"error": f"{type(error).__name__}: {error}"[:2000] + place_of(error, self.path)}


def main():
    channel = Channel(3)
    setup = channel.read()
    limit_memory(setup["memory_bytes"])
    try:
        judge = Judge(setup["path"], setup["function"])
    except BaseException:  # SystemExit at import is a failure too
        channel.write({"error": traceback.format_exc(limit=-8)[-6000:]})
        return
    if setup.get("watches"):
        judge.effects = SideEffects()
    effects = judge.effects.take if judge.effects else dict
    channel.write({"convention": judge.convention.name, "parameters": judge.convention.names,
                   "fence": os.environ.get("ASSAY_FENCE", "")})
    while True:
        answered = time.monotonic()
        verdicts = []
        for item in channel.read()["items"]:
            verdicts.append(judge.judge(item))
            # Slow ones one by one: the verifier's clock runs between two answers.
            if time.monotonic() - answered > ANSWER_INTERVAL_S:
                channel.write({"verdicts": verdicts, **effects()})
                verdicts, answered = [], time.monotonic()
        if verdicts:
            channel.write({"verdicts": verdicts, **effects()})


main()
