// Running a compiled program: the jailed process becomes it.
#pragma once

namespace assay::verifiers::native {

// Runs the program in the file on kPeer with its input and output where they are already, no
// arguments, no environment and no other descriptor. Returns only when it cannot be run.
int become_program();

}  // namespace assay::verifiers::native
