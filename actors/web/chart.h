// Charts as inline SVG text: lines with interval bands, spans, bars and bubbles, with direct
// labels.
//
// Colours are CSS custom properties of the page ("var(--after)"), so that one picture serves light
// and dark. Labels are escaped here. Points that are not finite are left out.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace assay::web {

struct ChartPoint {
  double x = 0, y = 0;
  std::optional<double> low, high;  // band around the line
};

struct ChartSeries {
  std::string label;
  std::string color;
  std::vector<ChartPoint> points;
  bool is_dashed = false;
};

// Something that happened at `x`; a mark between two points of the series sits on the later one.
struct ChartMark {
  double x = 0;
  std::string label;
};

struct ChartOptions {
  std::string title;
  double width = 440, height = 250;
  bool is_x_log2 = false;   // ticks at the points' own x, spaced by log2; x must be positive
  bool is_percent = false;  // y is a fraction, shown in per cent
  std::optional<double> y_min, y_max;
  std::string x_label;
  std::optional<double> threshold;  // a dashed level
  std::vector<ChartMark> marks;     // ringed places on the last series
};

// Empty series are left out; without any point the figure says that nothing was measured.
std::string line_chart(const std::vector<ChartSeries>& series, const ChartOptions& options);

// One line of a span chart: a dot at `from`, a ring at `to`, both fractions of the full width.
struct Span {
  std::string label;
  double from = 0, to = 0;
  std::string color;
};

struct SpanGroup {
  std::string title;
  std::vector<Span> spans;
};

// Spans on one axis from 0 to 100 %, grouped under titles. `from_label` and `to_label` name the dot
// and the ring once, at the top.
std::string span_chart(const std::vector<SpanGroup>& groups, std::string_view from_label,
                       std::string_view to_label);

struct Bar {
  std::string label;
  double value = 0;   // negative counts as 0
  std::string shown;  // the value as text
  std::string color = "var(--after)";
};

// Horizontal bars from zero, the largest filling the width.
std::string bar_chart(const std::vector<Bar>& bars);

struct Bubble {
  double x = 0, y = 0;  // fractions
  double count = 0;     // the disc's area
};

// Discs over a unit square with its diagonal: before to the right, after upwards.
std::string bubble_chart(const std::vector<Bubble>& bubbles, const ChartOptions& options);

}  // namespace assay::web
