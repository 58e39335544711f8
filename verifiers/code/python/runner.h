// The runner: the process of a check that holds the program and nothing else.
#pragma once

namespace assay::verifiers::python {

// Takes the program from kControl, closes that, runs it, then answers the tester on kPeer until it
// is gone. Returns the exit status.
int run_program();

}  // namespace assay::verifiers::python
