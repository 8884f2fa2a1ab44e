#include "exchange/log_expectation.hpp"

#include <algorithm>

#include "formats/scan.hpp"

namespace mcemu::exchange {
namespace {

/// Lines with these differ from run to run, or end in a blank that loggers cut off.
constexpr const char* kDiffers[] = {"}[Hardware Error]:", "[Hardware Error]: TSC",
                                    "[Hardware Error]: RIP", "[Hardware Error]: PROCESSOR",
                                    "Machine Check"};

/// For a regular expression (ECMAScript): any byte that is no printable ASCII matches anything.
std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const auto u = static_cast<unsigned char>(c);
        if (u < 0x20 || u >= 0x7f) {
            if (!out.ends_with(".+")) out += ".+";
            continue;
        }
        if (std::string_view("^$\\.*+?()[]{}|/").find(c) != std::string_view::npos) out += '\\';
        out += c;
    }
    return out;
}

/// Behind `key`, up to the next blank, any word of `what`.
void open(std::string& re, const std::string& key, const std::string& what) {
    const std::size_t at = re.find(key);
    if (at == std::string::npos) return;
    const std::size_t begin = at + key.size();
    std::size_t end = begin;
    while (end < re.size() && re[end] != ' ' && re[end] != '$') ++end;
    if (end > begin) re.replace(begin, end - begin, what);
}

}  // namespace

nlohmann::ordered_json expected_line(const std::string& text) {
    constexpr std::size_t kLongest = 600;  // patterns have at most 1000 characters
    const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) >= 0x20 && static_cast<unsigned char>(c) < 0x7f;
    });
    const bool differs =
        std::any_of(std::begin(kDiffers), std::end(kDiffers),
                    [&](const char* word) { return text.find(word) != std::string::npos; });
    if (plain && !differs) return text;
    std::string re = "^" + escaped(std::string_view(text).substr(0, kLongest));
    if (text.starts_with("{")) open(re, "^\\{", "[0-9]+\\}\\[Hardware");
    open(re, " TSC ", "[0-9a-f]+");
    open(re, " PPIN ", "[0-9a-f]+");
    if (re.find(" PROCESSOR ") != std::string::npos) {
        open(re, " TIME ", "[0-9]+");
        open(re, " SOCKET ", "[0-9]+");
        open(re, " APIC ", "[0-9a-f]+");
        open(re, " microcode ", "[0-9a-f]+");
    }
    // Any CPU of the package reads a bank that they share (Skylake-SP: from bank 4 on).
    if (const std::size_t bank = text.find(" Bank "); bank != std::string::npos) {
        formats::Scan number(std::string_view(text).substr(bank + 6));
        if (number.decimal().value_or(0) >= 4) open(re, ": CPU ", "[0-9]+:");
    }
    // The symbol is the kernel image's own.
    if (const std::size_t symbol = re.find("> \\{"); symbol != std::string::npos)
        re.resize(symbol + 2);
    else
        re += text.size() > kLongest ? "" : " ?$";
    return {{"re", re}};
}

}  // namespace mcemu::exchange
