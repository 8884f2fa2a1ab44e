#pragma once  // The one bridge between SimTime and sc_time. Both count picoseconds.
#include <systemc>

#include "core/units.hpp"

namespace mcemu::wires {

inline sc_core::sc_time to_sc_time(SimTime t) { return sc_core::sc_time::from_value(t.count()); }
inline SimTime from_sc_time(const sc_core::sc_time& t) { return SimTime{t.value()}; }

}  // namespace mcemu::wires
