#include "tests/tidy/room_table.h"

#include <fstream>
#include <sstream>

namespace assay::tidy {

std::map<std::string, Rooms> configured_rooms() {
  std::map<std::string, Rooms> table;
  std::ifstream file(ASSAY_ROOM_TABLE);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string room;
    words >> room;
    for (std::string other; words >> other;) table[room].insert(other);
    table.try_emplace(room);
  }
  return table;
}

}  // namespace assay::tidy
