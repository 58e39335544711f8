// What comparing two mathematical objects can show.
#pragma once

namespace assay::verifiers {

enum class Agreement {
  kEqual,      // proved, or agreed to 2^-200 at every sample point where only numbers could tell
  kDifferent,  // proved, or never equal by rule (other kind of object, undefined)
  kUndecided,  // neither within the limits
};

}  // namespace assay::verifiers
