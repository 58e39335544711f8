// A Python program that reads its input and writes its output.
#pragma once

namespace assay::verifiers::python {

// Takes the program from kControl and runs it as __main__ on descriptors 0 to 2. Returns its exit
// status.
int run_filter();

}  // namespace assay::verifiers::python
