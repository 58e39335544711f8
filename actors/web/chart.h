// Charts as inline SVG text: lines with interval bands, bars, all with direct labels and no
// scripts.
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
  std::string color;  // a CSS custom property, e.g. "var(--after)"
  std::vector<ChartPoint> points;
  bool is_dashed = false;
};

struct ChartOptions {
  std::string title;
  double width = 520, height = 260;
  bool is_x_log2 = false;   // ticks at the points' own x, spaced by log2
  bool is_percent = false;  // y is a fraction, shown in per cent
  std::optional<double> y_min, y_max;
  std::string x_label;
};

// Empty series are left out; without any point the chart says so.
std::string line_chart(const std::vector<ChartSeries>& series, const ChartOptions& options);

struct Bar {
  std::string label;
  double value = 0;
  std::string shown;  // the value as text
  std::string color = "var(--after)";
};

// Horizontal bars from zero, the largest filling the width.
std::string bar_chart(const std::vector<Bar>& bars, double width = 520);

// Text made safe for HTML: markup escaped, control characters shown as visible symbols.
std::string escape(std::string_view text);

}  // namespace assay::web
