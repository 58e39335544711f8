#include "actors/web/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace assay::web {

namespace {

constexpr double kLeft = 46, kRight = 96, kTop = 14, kBottom = 34;

struct Scale {
  double from = 0, to = 1, start = 0, end = 1;
  double operator()(double value) const {
    return start + (value - from) / (to - from) * (end - start);
  }
};

double x_of(const ChartOptions& options, double x) {
  return options.is_x_log2 ? std::log2(x) : x;
}

struct Extent {
  double x_min = std::numeric_limits<double>::infinity(), x_max = -x_min;
  double y_min = x_min, y_max = -x_min;
};

Extent extent_of(const std::vector<ChartSeries>& series, const ChartOptions& options) {
  Extent extent;
  for (const ChartSeries& one : series) {
    for (const ChartPoint& point : one.points) {
      extent.x_min = std::min(extent.x_min, x_of(options, point.x));
      extent.x_max = std::max(extent.x_max, x_of(options, point.x));
      extent.y_min = std::min(extent.y_min, point.low.value_or(point.y));
      extent.y_max = std::max(extent.y_max, point.high.value_or(point.y));
    }
  }
  extent.y_min = options.y_min.value_or(extent.y_min);
  extent.y_max = options.y_max.value_or(extent.y_max);
  if (extent.x_max <= extent.x_min) extent.x_max = extent.x_min + 1;
  if (extent.y_max <= extent.y_min) extent.y_max = extent.y_min + 1;
  return extent;
}

double nice_step(double span) {
  const double rough = span / 4;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 2.5, 5.0, 10.0}) {
    if (factor * power >= rough) return factor * power;
  }
  return 10 * power;
}

std::string number(double value, bool is_percent) {
  return is_percent ? fmt::format("{:.0f}%", 100 * value) : fmt::format("{:.3g}", value);
}

std::string y_axis(const Extent& extent, const Scale& y, const ChartOptions& options) {
  std::string svg;
  const double step = nice_step(extent.y_max - extent.y_min);
  for (double tick = std::ceil(extent.y_min / step - 1e-9) * step;
       tick <= extent.y_max + step * 1e-9; tick += step) {
    svg += fmt::format(
        "<line class=grid x1='{:.1f}' x2='{:.1f}' y1='{:.1f}' y2='{:.1f}'/>"
        "<text class=tick text-anchor=end x='{:.1f}' y='{:.1f}'>{}</text>",
        kLeft, options.width - kRight, y(tick), y(tick), kLeft - 6, y(tick) + 4,
        number(std::abs(tick) < step * 1e-9 ? 0 : tick, options.is_percent));
  }
  return svg;
}

std::string x_axis(const std::vector<ChartSeries>& series, const Extent& extent, const Scale& x,
                   const ChartOptions& options) {
  std::vector<double> ticks;
  if (options.is_x_log2) {
    for (const ChartPoint& point : series.front().points) ticks.push_back(point.x);
  } else {
    const double step = std::max(1.0, nice_step(extent.x_max - extent.x_min));
    for (double tick = std::ceil(extent.x_min / step) * step; tick <= extent.x_max; tick += step) {
      ticks.push_back(tick);
    }
  }
  std::string svg;
  for (const double tick : ticks) {
    svg += fmt::format("<text class=tick text-anchor=middle x='{:.1f}' y='{:.1f}'>{:g}</text>",
                       x(x_of(options, tick)), options.height - kBottom + 16, tick);
  }
  return svg + fmt::format("<text class=tick text-anchor=middle x='{:.1f}' y='{:.1f}'>{}</text>",
                           (kLeft + options.width - kRight) / 2, options.height - 3,
                           escape(options.x_label));
}

std::string band(const ChartSeries& series, const Scale& x, const Scale& y,
                 const ChartOptions& options) {
  std::string upper, lower;
  for (const ChartPoint& point : series.points) {
    if (!point.low || !point.high) return "";
    upper += fmt::format("{:.1f},{:.1f} ", x(x_of(options, point.x)), y(*point.high));
    lower = fmt::format("{:.1f},{:.1f} ", x(x_of(options, point.x)), y(*point.low)) + lower;
  }
  return fmt::format("<polygon fill='{}' opacity='.16' points='{}{}'/>", series.color, upper,
                     lower);
}

std::string line(const ChartSeries& series, const Scale& x, const Scale& y,
                 const ChartOptions& options) {
  std::string points;
  for (const ChartPoint& point : series.points) {
    points += fmt::format("{:.1f},{:.1f} ", x(x_of(options, point.x)), y(point.y));
  }
  std::string svg =
      fmt::format("<polyline fill=none stroke='{}' stroke-width=2 {} points='{}'/>", series.color,
                  series.is_dashed ? "stroke-dasharray='4 3'" : "", points);
  if (!options.is_x_log2) return svg;
  for (const ChartPoint& point : series.points) {
    svg += fmt::format("<circle r=3 fill='{}' cx='{:.1f}' cy='{:.1f}'/>", series.color,
                       x(x_of(options, point.x)), y(point.y));
  }
  return svg;
}

// Labels stand at the lines' ends, pushed apart where they would touch.
std::string labels(const std::vector<ChartSeries>& series, const Scale& y,
                   const ChartOptions& options) {
  std::vector<std::pair<double, const ChartSeries*>> places;
  for (const ChartSeries& one : series) places.emplace_back(y(one.points.back().y), &one);
  std::sort(places.begin(), places.end());
  for (std::size_t i = 1; i < places.size(); ++i) {
    places[i].first = std::max(places[i].first, places[i - 1].first + 14);
  }
  std::string svg;
  for (const auto& [place, one] : places) {
    svg += fmt::format("<text class=label fill='{}' x='{:.1f}' y='{:.1f}'>{}</text>", one->color,
                       options.width - kRight + 8, place + 4, escape(one->label));
  }
  return svg;
}

}  // namespace

std::string escape(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      case '\'':
        safe += "&#39;";
        break;
      default:
        if (byte < 0x20 || byte == 0x7f) {
          // The Unicode block "Control Pictures" has a visible sign for each.
          safe += fmt::format("&#{};", byte == 0x7f ? 0x2421 : 0x2400 + byte);
        } else {
          safe += c;
        }
    }
  }
  return safe;
}

std::string line_chart(const std::vector<ChartSeries>& given, const ChartOptions& options) {
  std::vector<ChartSeries> series;
  for (const ChartSeries& one : given) {
    if (!one.points.empty()) series.push_back(one);
  }
  const std::string title = fmt::format("<figcaption>{}</figcaption>", escape(options.title));
  if (series.empty()) return "<figure>" + title + "<p class=none>not measured</p></figure>";
  const Extent extent = extent_of(series, options);
  const Scale x{extent.x_min, extent.x_max, kLeft + 6, options.width - kRight};
  const Scale y{extent.y_min, extent.y_max, options.height - kBottom, kTop};
  std::string svg = fmt::format("<figure>{}<svg viewBox='0 0 {:g} {:g}' role=img aria-label='{}'>",
                                title, options.width, options.height, escape(options.title));
  svg += y_axis(extent, y, options) + x_axis(series, extent, x, options);
  for (const ChartSeries& one : series) svg += band(one, x, y, options);
  for (const ChartSeries& one : series) svg += line(one, x, y, options);
  return svg + labels(series, y, options) + "</svg></figure>";
}

std::string bar_chart(const std::vector<Bar>& bars, double width) {
  double largest = 0;
  for (const Bar& bar : bars) largest = std::max(largest, bar.value);
  const double height = 26 * static_cast<double>(bars.size()) + 6;
  std::string svg = fmt::format("<svg viewBox='0 0 {:g} {:g}' role=img>", width, height);
  for (std::size_t i = 0; i < bars.size(); ++i) {
    const double top = 26 * static_cast<double>(i) + 4;
    const double length = largest > 0 ? bars[i].value / largest * (width - 260) : 0;
    svg += fmt::format(
        "<text class=tick text-anchor=end x=128 y='{:.1f}'>{}</text>"
        "<rect fill='{}' rx=2 x=136 y='{:.1f}' width='{:.1f}' height=18 />"
        "<text class=tick x='{:.1f}' y='{:.1f}'>{}</text>",
        top + 13, escape(bars[i].label), bars[i].color, top, std::max(length, 0.5), 142 + length,
        top + 13, escape(bars[i].shown));
  }
  return svg + "</svg>";
}

}  // namespace assay::web
