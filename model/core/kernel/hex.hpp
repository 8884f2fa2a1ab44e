#pragma once  // Numbers as the kernel's %llx and %#llx print them.
#include <charconv>
#include <cstdint>
#include <string>

namespace mcemu::kernel {

/// "1f": at least `width` digits, with zeros in front.
inline std::string hex_digits(std::uint64_t value, std::size_t width = 1) {
    char text[16];
    const auto end = std::to_chars(text, text + sizeof text, value, 16).ptr;
    std::string digits(text, end);
    if (digits.size() < width) digits.insert(0, width - digits.size(), '0');
    return digits;
}

/// "0x1f"
inline std::string hex(std::uint64_t value, std::size_t width = 1) {
    return "0x" + hex_digits(value, width);
}

}  // namespace mcemu::kernel
