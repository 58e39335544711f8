#include "actors/web/report_json.h"

#include <cmath>
#include <concepts>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "runtime/core/json.h"

namespace assay::web {
namespace {

using Json = nlohmann::json;

// How many enumerators an enum of the input has; others may not be read.
template <class Enum>
constexpr int kEnumCount = 0;
template <>
constexpr int kEnumCount<algo::Direction> = 3;
template <>
constexpr int kEnumCount<algo::Reading> = 7;
template <>
constexpr int kEnumCount<algo::ControlVerdict> = 3;
template <>
constexpr int kEnumCount<algo::HealthLevel> = 2;

template <class T>
concept Fields = requires(const T& value) {
  T::inspect([](auto&&...) { return 0; }, value);
};

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};

template <class T>
Json write(const T& value);

struct FieldWriter {
  Json& object;

  void operator()() const {}

  template <class Value, class... Rest>
  void operator()(const char* name, const Value& value, const Rest&... rest) const {
    object[name] = write(value);
    (*this)(rest...);
  }
};

// A figure that is not finite, such as the gradient norm of an alert, is kept as its name: JSON has
// no such number.
Json write_double(double value) {
  if (std::isfinite(value)) return value;
  if (std::isnan(value)) return "nan";
  return value > 0 ? "inf" : "-inf";
}

template <class T>
Json write(const T& value) {
  if constexpr (IsOptional<T>::value) {
    return value ? write(*value) : Json();
  } else if constexpr (IsVector<T>::value) {
    Json array = Json::array();
    for (const auto& one : value) array.push_back(write(one));
    return array;
  } else if constexpr (std::is_enum_v<T>) {
    return static_cast<int>(value);
  } else if constexpr (std::floating_point<T>) {
    return write_double(value);
  } else if constexpr (Fields<T>) {
    Json object = Json::object();
    T::inspect(FieldWriter{object}, value);
    return object;
  } else {
    return value;
  }
}

// Fills a value; remembers the path of the first thing that does not fit.
class Reader {
 public:
  template <class T>
  void read(const Json& json, T& value, const std::string& path) {
    if (!wrong_.empty()) return;
    if constexpr (IsOptional<T>::value) {
      if (json.is_null()) return value.reset();
      read(json, value.emplace(), path);
    } else if constexpr (IsVector<T>::value) {
      if (!json.is_array()) return fail(path, "a list");
      value.resize(json.size());
      for (std::size_t i = 0; i < value.size(); ++i) {
        read(json[i], value[i], path + "[" + std::to_string(i) + "]");
      }
    } else if constexpr (std::is_enum_v<T>) {
      read_enum(json, value, path);
    } else if constexpr (std::same_as<T, bool>) {
      if (!json.is_boolean()) return fail(path, "true or false");
      value = json.get<bool>();
    } else if constexpr (std::floating_point<T>) {
      read_double(json, value, path);
    } else if constexpr (std::integral<T>) {
      if (!json.is_number_unsigned() || json.get<std::uint64_t>() > std::numeric_limits<T>::max()) {
        return fail(path, "a whole number");
      }
      value = json.get<T>();
    } else if constexpr (std::same_as<T, std::string>) {
      if (!json.is_string()) return fail(path, "text");
      value = json.get<std::string>();
    } else {
      if (!json.is_object()) return fail(path, "an object");
      T::inspect([&](auto&&... fields) { read_fields(json, path, fields...); }, value);
    }
  }

  const std::string& wrong() const { return wrong_; }

 private:
  void read_fields(const Json&, const std::string&) {}

  template <class Value, class... Rest>
  void read_fields(const Json& json, const std::string& path, const char* name, Value& value,
                   Rest&... rest) {
    const std::string place = path.empty() ? name : path + "." + name;
    const auto found = json.find(name);
    if (found == json.end()) return fail(place, "present");
    read(*found, value, place);
    read_fields(json, path, rest...);
  }

  template <class Enum>
  void read_enum(const Json& json, Enum& value, const std::string& path) {
    static_assert(kEnumCount<Enum> > 0, "an enum of the report needs its count");
    if (!json.is_number_unsigned() || json.get<std::uint64_t>() >= kEnumCount<Enum>) {
      return fail(path, "a known kind");
    }
    value = static_cast<Enum>(json.get<int>());
  }

  void read_double(const Json& json, double& value, const std::string& path) {
    if (json == "nan") {
      value = std::numeric_limits<double>::quiet_NaN();
    } else if (json == "inf" || json == "-inf") {
      const double infinity = std::numeric_limits<double>::infinity();
      value = json == "inf" ? infinity : -infinity;
    } else if (json.is_number()) {
      value = json.get<double>();
    } else {
      fail(path, "a number");
    }
  }

  void fail(const std::string& path, const char* wanted) {
    if (wrong_.empty()) wrong_ = "`" + path + "` must be " + wanted;
  }

  std::string wrong_;
};

}  // namespace

std::string report_input_to_json(const ReportInput& input) {
  return json_text(write(input), 1) + "\n";
}

Result<ReportInput> report_input_from_json(std::string_view text) {
  const auto corrupt = [](const std::string& what) {
    return Error{ErrorCode::kCorrupt, "the report's input cannot be read: " + what,
                 "it was written by another version, or damaged; a finished run can write it again",
                 "", ""};
  };
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return corrupt("it is not JSON");
  ReportInput input;
  Reader reader;
  reader.read(json, input, "");
  if (!reader.wrong().empty()) return corrupt(reader.wrong());
  return input;
}

}  // namespace assay::web
