// The verdict in plain words: what training gained, what it did not, and whose doing it was.
#pragma once

#include <string>
#include <vector>

#include "actors/web/report_input.h"

namespace assay::web {

// The source that carries the verdict: the headline one, else the first; null without sources.
const ReportSource* headline_source(const ReportInput& input);

// The gap or its absence in a few words, e.g. "there was no gap to close".
std::string reason_in_words(const std::string& null_reason);

// What a control arm trained on, e.g. "rewards shuffled inside each group".
std::string arm_in_words(const std::string& arm);

// Sentences in plain text, the most important first: the first try, the reach over many tries and
// over the most that were measured, the share of the gap, the control, shifted sources, critical
// alerts. At least one.
std::vector<std::string> verdict_sentences(const ReportInput& input);

}  // namespace assay::web
