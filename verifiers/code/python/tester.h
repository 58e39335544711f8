// The tester: the process of a check that holds the tests and what they expect.
#pragma once

namespace assay::verifiers::python {

// Takes entry point, setup, tests, their lines and a seed from kControl, runs them against the
// program on kPeer, and answers on kControl with the judgement. Returns the exit status.
int run_tester();

// Program and tests in one process, for tasks that cannot be taken apart: takes nonce, program,
// entry point, setup, tests, lines and seed. A program can forge the judgement of its own process;
// whoever asks for this must say so in the verdict.
int run_whole();

}  // namespace assay::verifiers::python
