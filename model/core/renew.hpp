#pragma once  // An object anew at the same place.
#include <memory>
#include <utility>

namespace mcemu {

/// Ends `object` and makes another in its place, to which references and pointers to the old one
/// lead. `arguments` must not be part of the old one. A constructor that throws ends the program:
/// there would be nothing to go back to.
template <class T, class... Arguments>
void renew(T& object, Arguments&&... arguments) noexcept {
    std::destroy_at(&object);
    std::construct_at(&object, std::forward<Arguments>(arguments)...);
}

}  // namespace mcemu
