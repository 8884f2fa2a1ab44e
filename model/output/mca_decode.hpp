#pragma once  // Machine-check registers explained field by field and in words.
#include <nlohmann/json.hpp>
#include <string>

#include "output/mcacod.hpp"

namespace mcemu::output {

/// Error class of mce.md section 3: "CE", "UCNA", "SRAO", "SRAO (via CMCI)", "SRAR", "UC (fatal)",
/// "UC", "illegal (S=0, AR=1)" or "invalid".
std::string error_class(const McaRegisters& r);

/// All there is to say: fields, class, code, MCG_STATUS, ADDR, MISC, the grade of each profile, and
/// the words of mcelog and rasdaemon.
nlohmann::ordered_json decode_json(const McaRegisters& r);
/// The same for people.
std::string decode_text(const McaRegisters& r);

}  // namespace mcemu::output
