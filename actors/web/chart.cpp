#include "actors/web/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "actors/web/html_text.h"

namespace assay::web {

namespace {

constexpr double kLeft = 40, kRight = 78, kTop = 12, kBottom = 36;
constexpr double kLabelHeight = 14;

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
  if (options.threshold) {
    extent.y_min = std::min(extent.y_min, *options.threshold);
    extent.y_max = std::max(extent.y_max, *options.threshold);
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
  return is_percent ? fmt::format("{:.3g}%", 100 * value) : fmt::format("{:.3g}", value);
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

std::string threshold(const Scale& y, const ChartOptions& options) {
  if (!options.threshold) return "";
  return fmt::format(
      "<line class=threshold x1='{0:.1f}' x2='{1:.1f}' y1='{2:.1f}' y2='{2:.1f}'/>"
      "<text class=tick x='{3:.1f}' y='{4:.1f}'>threshold</text>",
      kLeft, options.width - kRight, y(*options.threshold), kLeft + 4, y(*options.threshold) - 4);
}

// Rings around the points where something happened, each with its label as a tooltip and above it.
std::string marks(const ChartSeries& series, const Scale& x, const Scale& y,
                  const ChartOptions& options) {
  std::string svg;
  for (const ChartMark& mark : options.marks) {
    const auto point = std::find_if(series.points.begin(), series.points.end(),
                                    [&](const ChartPoint& one) { return one.x >= mark.x; });
    if (point == series.points.end()) continue;
    const double left = x(x_of(options, point->x)), top = y(point->y);
    svg += fmt::format(
        "<circle class=mark r=5 cx='{0:.1f}' cy='{1:.1f}'><title>{2}</title></circle>"
        "<text class=mark text-anchor=middle x='{0:.1f}' y='{3:.1f}'>{2}</text>",
        left, top, escape(mark.label), top - 9);
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
    places[i].first = std::max(places[i].first, places[i - 1].first + kLabelHeight);
  }
  double lowest = options.height - kBottom;
  for (std::size_t i = places.size(); i-- > 0; lowest -= kLabelHeight) {
    places[i].first = std::min(places[i].first, lowest);
  }
  std::string svg;
  for (const auto& [place, one] : places) {
    svg += fmt::format("<text class=label fill='{}' x='{:.1f}' y='{:.1f}'>{}</text>", one->color,
                       options.width - kRight + 8, place + 4, escape(one->label));
  }
  return svg;
}

std::string span_row(const Span& span, const Scale& x, double top) {
  const double middle = top + 8;
  const double left = x(std::min(span.from, span.to)), right = x(std::max(span.from, span.to));
  // The value of the dot stands on its outer side, and so does the ring's.
  const bool is_ordered = span.from <= span.to;
  const auto value = [&](double place, bool is_left, double rate) {
    return fmt::format("<text class=value text-anchor={} x='{:.1f}' y='{:.1f}'>{:.1f}</text>",
                       is_left ? "end" : "start", place + (is_left ? -9 : 9), middle + 4,
                       100 * rate);
  };
  return fmt::format(
             "<text class=tick x='12' y='{1:.1f}'>{2}</text>"
             "<line stroke='{0}' stroke-width=3 x1='{3:.1f}' x2='{4:.1f}' y1='{5:.1f}' "
             "y2='{5:.1f}'/><circle r=5.5 fill='{0}' cx='{6:.1f}' cy='{5:.1f}'/>"
             "<circle r=4.5 class=ring stroke='{0}' cx='{7:.1f}' cy='{5:.1f}'/>",
             span.color, middle + 4, escape(span.label), left, right, middle, x(span.from),
             x(span.to)) +
         value(x(span.from), is_ordered, span.from) + value(x(span.to), !is_ordered, span.to);
}

}  // namespace

std::string line_chart(const std::vector<ChartSeries>& given, const ChartOptions& options) {
  std::vector<ChartSeries> series;
  for (const ChartSeries& one : given) {
    ChartSeries kept = one;
    std::erase_if(kept.points, [](const ChartPoint& point) {
      return !std::isfinite(point.x) || !std::isfinite(point.y);
    });
    if (!kept.points.empty()) series.push_back(std::move(kept));
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
  return svg + threshold(y, options) + marks(series.back(), x, y, options) +
         labels(series, y, options) + "</svg></figure>";
}

std::string span_chart(const std::vector<SpanGroup>& groups, std::string_view from_label,
                       std::string_view to_label) {
  constexpr double kWidth = 440, kStart = 78, kEnd = 400, kRow = 23, kTitle = 22;
  const Scale x{0, 1, kStart, kEnd};
  double top = 24;
  std::string rows;
  for (const SpanGroup& group : groups) {
    rows += fmt::format("<text class=heading x='0' y='{:.1f}'>{}</text>", top + 12,
                        escape(group.title));
    const double first = top + kTitle;
    const double last = first + kRow * static_cast<double>(group.spans.size());
    for (const double tick : {0.0, 0.25, 0.5, 0.75, 1.0}) {
      rows += fmt::format("<line class=grid x1='{0:.1f}' x2='{0:.1f}' y1='{1:.1f}' y2='{2:.1f}'/>",
                          x(tick), first - 3, last - 3);
    }
    for (const Span& span : group.spans) {
      rows += span_row(span, x, first + kRow * static_cast<double>(&span - group.spans.data()));
    }
    top = last + 10;
  }
  for (const double tick : {0.0, 0.25, 0.5, 0.75, 1.0}) {
    rows += fmt::format("<text class=tick text-anchor=middle x='{:.1f}' y='{:.1f}'>{:.0f}%</text>",
                        x(tick), top + 4, 100 * tick);
  }
  return fmt::format(
             "<svg viewBox='0 0 {:g} {:.0f}' role=img aria-label='gap before and after'>"
             "<text class=tick x='0' y='12'>● {} &#160; ○ {}</text>",
             kWidth, top + 10, escape(from_label), escape(to_label)) +
         rows + "</svg>";
}

std::string bar_chart(const std::vector<Bar>& bars) {
  constexpr double kWidth = 440, kStart = 108, kLongest = 190, kRow = 25;
  double largest = 0;
  for (const Bar& bar : bars) largest = std::max(largest, bar.value);
  const double height = kRow * static_cast<double>(bars.size()) + 4;
  std::string svg = fmt::format("<svg viewBox='0 0 {:g} {:g}' role=img>", kWidth, height);
  for (std::size_t i = 0; i < bars.size(); ++i) {
    const double top = kRow * static_cast<double>(i) + 4;
    const double length = largest > 0 ? std::max(bars[i].value, 0.0) / largest * kLongest : 0;
    svg += fmt::format(
        "<text class=tick text-anchor=end x='{:g}' y='{:.1f}'>{}</text>"
        "<rect fill='{}' rx=2 x='{:g}' y='{:.1f}' width='{:.1f}' height=16 />"
        "<text class=tick x='{:.1f}' y='{:.1f}'>{}</text>",
        kStart - 8, top + 12, escape(bars[i].label), bars[i].color, kStart, top,
        std::max(length, 1.0), kStart + 8 + length, top + 12, escape(bars[i].shown));
  }
  return svg + "</svg>";
}

std::string bubble_chart(const std::vector<Bubble>& bubbles, const ChartOptions& options) {
  const double side = options.height - kTop - kBottom;
  const Scale x{0, 1, kLeft + 6, kLeft + 6 + side};
  const Scale y{0, 1, kTop + side, kTop};
  double most = 1;
  for (const Bubble& bubble : bubbles) most = std::max(most, bubble.count);
  std::string svg = fmt::format(
      "<figure><figcaption>{0}</figcaption><svg viewBox='0 0 {1:g} {2:g}' role=img "
      "aria-label='{0}'><line class=grid x1='{3:.1f}' y1='{4:.1f}' x2='{5:.1f}' y2='{6:.1f}'/>",
      escape(options.title), options.width, options.height, x(0), y(0), x(1), y(1));
  for (const double tick : {0.0, 0.5, 1.0}) {
    svg += fmt::format(
        "<line class=grid x1='{0:.1f}' x2='{1:.1f}' y1='{2:.1f}' y2='{2:.1f}'/>"
        "<text class=tick text-anchor=end x='{3:.1f}' y='{4:.1f}'>{5:.0f}%</text>"
        "<text class=tick text-anchor=middle x='{6:.1f}' y='{7:.1f}'>{5:.0f}%</text>",
        x(0), x(1), y(tick), kLeft - 4, y(tick) + 4, 100 * tick, x(tick), kTop + side + 18);
  }
  for (const Bubble& bubble : bubbles) {
    svg += fmt::format("<circle class=bubble cx='{:.1f}' cy='{:.1f}' r='{:.1f}'/>", x(bubble.x),
                       y(bubble.y), std::max(1.5, 11 * std::sqrt(bubble.count / most)));
  }
  return svg + fmt::format(
                   "<text class=tick text-anchor=middle x='{:.1f}' y='{:.1f}'>{}</text>"
                   "</svg></figure>",
                   x(0.5), options.height - 2, escape(options.x_label));
}

}  // namespace assay::web
