#include "runtime/core/strict_json.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runtime/core/json.h"

namespace assay {

namespace {

// Builds nothing; remembers the keys of the objects that are open.
class StrictSax final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit StrictSax(std::size_t depth_max) : depth_max_(depth_max) {}

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return refuse("binary values are not JSON"); }
  bool start_object(std::size_t) override { return open(); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    return open_keys_.back().insert(name).second || refuse("the key \"" + name + "\" is repeated");
  }
  bool parse_error(std::size_t offset, const std::string&,
                   const nlohmann::json::exception&) override {
    return refuse("it is not valid JSON at byte " + std::to_string(offset));
  }

  const std::string& complaint() const { return complaint_; }

 private:
  bool open() {
    if (open_keys_.size() == depth_max_) {
      return refuse("it nests deeper than " + std::to_string(depth_max_));
    }
    open_keys_.emplace_back();
    return true;
  }
  bool close() {
    open_keys_.pop_back();
    return true;
  }
  bool refuse(std::string complaint) {
    complaint_ = std::move(complaint);
    return false;
  }

  std::size_t depth_max_;
  std::vector<std::set<std::string>> open_keys_;
  std::string complaint_;
};

}  // namespace

Result<void> check_strict_json(std::string_view text, std::size_t depth_max) {
  StrictSax sax(depth_max);
  if (nlohmann::json::sax_parse(text.begin(), text.end(), &sax)) return {};
  return Error{ErrorCode::kCorrupt, sax.complaint(), "", "", ""};
}

}  // namespace assay
