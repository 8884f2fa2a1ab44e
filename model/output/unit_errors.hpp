#pragma once  // MSCOD: the model-specific half of STATUS, on Skylake-SP and Cascade Lake.
#include <string>
#include <vector>

#include "output/mcacod.hpp"

namespace mcemu::output {

/// What the unit behind a bank says of its error (SDM vol. 3B 16.8; mce.md section 7).
struct UnitError {
    std::string unit;                 ///< "M2M"; empty: another processor, or nothing is known
    std::string group;                ///< kind of error of the power control unit
    std::vector<std::string> errors;  ///< one per bit or code, in the order of the bits
};
UnitError unit_error(const McaRegisters& r);

}  // namespace mcemu::output
