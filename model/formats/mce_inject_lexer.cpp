#include "formats/mce_inject_lexer.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "core/mca/status.hpp"

namespace mcemu::formats {
namespace {

using namespace mca;

struct Keyword {
    std::string_view text;
    MceWord word;
};
constexpr std::array kKeywords = std::to_array<Keyword>({
    {"CPU", MceWord::cpu},
    {"MCE", MceWord::mce},
    {"MACHINE", MceWord::machine},
    {"CHECK", MceWord::check},
    {"EXCEPTION", MceWord::exception},
    {"STATUS", MceWord::status},
    {"MCGSTATUS", MceWord::mcgstatus},
    {"BANK", MceWord::bank},
    {"ADDR", MceWord::addr},
    {"MISC", MceWord::misc},
    {"TSC", MceWord::tsc},
    {"TIME", MceWord::time},
    {"SOCKETID", MceWord::socketid},
    {"APICID", MceWord::apicid},
    {"MCGCAP", MceWord::mcgcap},
    {"PROCESSOR", MceWord::processor},
    {"RIP", MceWord::rip},
    {"NOBROADCAST", MceWord::nobroadcast},
    {"IRQBROADCAST", MceWord::irqbroadcast},
    {"NMIBROADCAST", MceWord::nmibroadcast},
    {"HOLD", MceWord::hold},
    {"IN_IRQ", MceWord::in_irq},
    {"IN_PROC", MceWord::in_proc},
    {"POLL", MceWord::poll},
    {"EXCP", MceWord::excp},
    {"VAL", MceWord::val},
    {"OVER", MceWord::over},
    {"UC", MceWord::uc},
    {"EN", MceWord::en},
    {"PCC", MceWord::pcc},
    {"S", MceWord::s},
    {"AR", MceWord::ar},
    {"TES_YELLOW", MceWord::tes_yellow},
    {"CORRECTED", MceWord::corrected},
    {"UNCORRECTED", MceWord::uncorrected},
    {"FATAL", MceWord::fatal},
    {"UCNA", MceWord::ucna},
    {"SRAO", MceWord::srao},
    {"SRAR", MceWord::srar},
    {"RIPV", MceWord::ripv},
    {"EIPV", MceWord::eipv},
    {"MCIP", MceWord::mcip},
    {"LMCES", MceWord::lmces},
    {"TES_P", MceWord::tes_p},
    {"SEAM_NR", MceWord::seam_nr},
});

constexpr char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool starts_word(char c) { return c == '_' || (upper(c) >= 'A' && upper(c) <= 'Z'); }
constexpr unsigned hex_value(char c) {
    return is_digit(c)                          ? static_cast<unsigned>(c - '0')
           : upper(c) >= 'A' && upper(c) <= 'F' ? static_cast<unsigned>(upper(c) - 'A') + 10
                                                : 16;
}

MceWord keyword(std::string_view word) {
    for (const Keyword& k : kKeywords)
        if (std::equal(word.begin(), word.end(), k.text.begin(), k.text.end(),
                       [](char a, char b) { return upper(a) == b; }))
            return k.word;
    return MceWord::symbol;
}

/// strtoull(): stops at the first digit that the base does not have.
std::uint64_t value_of(std::string_view digits, unsigned base) {
    constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t value = 0;
    for (const char c : digits) {
        const unsigned digit = hex_value(c);
        if (digit >= base) break;
        if (value > (kMax - digit) / base) return kMax;
        value = value * base + digit;
    }
    return value;
}

}  // namespace

void MceLexer::advance(std::size_t bytes) {
    for (; bytes > 0; --bytes, ++at_) {
        if (text_[at_] == '\n') {
            ++line_;
            ++tool_line_;
            column_ = 1;
        } else {
            ++column_;
        }
    }
}

void MceLexer::skip_blanks() {
    while (at_ < text_.size()) {
        const char c = text_[at_];
        if (c == '#') {
            const std::size_t end = std::min(text_.find('\n', at_), text_.size() - 1);
            const bool line_ends = text_[end] == '\n';
            advance(end - at_ + 1);
            if (line_ends) --tool_line_;
        } else if (c == ' ' || c == '\t' || c == '\n' ||
                   (c == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n')) {
            advance(1);
        } else {
            return;
        }
    }
}

MceToken MceLexer::next() {
    skip_blanks();
    MceToken token;
    token.line = line_;
    token.column = column_;
    token.tool_line = tool_line_;
    if (at_ == text_.size()) return token;

    const char c = text_[at_];
    std::size_t end = at_ + 1;
    const auto more = [&](auto belongs) {
        while (end < text_.size() && belongs(text_[end])) ++end;
    };
    if (is_digit(c)) {
        token.kind = MceToken::Kind::number;
        const bool hex = c == '0' && end + 1 < text_.size() && text_[end] == 'x' &&
                         hex_value(text_[end + 1]) < 16;
        if (hex) ++end;
        more([hex](char d) { return hex ? hex_value(d) < 16 : is_digit(d); });
        const std::string_view digits = text_.substr(at_, end - at_);
        token.number = hex ? value_of(digits.substr(2), 16) : value_of(digits, c == '0' ? 8 : 10);
    } else if (starts_word(c)) {
        token.kind = MceToken::Kind::word;
        more([](char d) { return starts_word(d) || is_digit(d); });
        token.word = keyword(text_.substr(at_, end - at_));
    } else {
        const bool known = c == ':' || c == '{' || c == '}' || c == '<' || c == '>';
        token.kind = known ? MceToken::Kind::punctuation : MceToken::Kind::stray;
    }
    token.text = text_.substr(at_, end - at_);
    advance(end - at_);
    return token;
}

bool mce_status_bits(MceWord word, std::uint64_t& bits) {
    constexpr std::uint64_t kCorrected = MCI_STATUS_VAL | MCI_STATUS_EN;
    switch (word) {
        case MceWord::val:
            bits = MCI_STATUS_VAL;
            return true;
        case MceWord::over:
            bits = MCI_STATUS_OVER;
            return true;
        case MceWord::uc:
            bits = MCI_STATUS_UC;
            return true;
        case MceWord::en:
            bits = MCI_STATUS_EN;
            return true;
        case MceWord::pcc:
            bits = MCI_STATUS_PCC;
            return true;
        case MceWord::s:
            bits = MCI_STATUS_S;
            return true;
        case MceWord::ar:
            bits = MCI_STATUS_AR;
            return true;
        case MceWord::tes_yellow:
            bits = std::uint64_t{2} << MCI_STATUS_TES_SHIFT;
            return true;
        case MceWord::corrected:
            bits = kCorrected;
            return true;
        case MceWord::uncorrected:
            bits = kCorrected | MCI_STATUS_UC;
            return true;
        case MceWord::fatal:
            bits = kCorrected | MCI_STATUS_UC | MCI_STATUS_PCC;
            return true;
        case MceWord::ucna:
            bits = 0;
            return true;
        case MceWord::srao:
            bits = MCI_STATUS_S;
            return true;
        case MceWord::srar:
            bits = MCI_STATUS_S | MCI_STATUS_AR;
            return true;
        default:
            return false;
    }
}

bool mce_mcgstatus_bits(MceWord word, std::uint64_t& bits) {
    switch (word) {
        case MceWord::ripv:
            bits = MCG_STATUS_RIPV;
            return true;
        case MceWord::eipv:
            bits = MCG_STATUS_EIPV;
            return true;
        case MceWord::mcip:
            bits = MCG_STATUS_MCIP;
            return true;
        case MceWord::lmces:
            bits = MCG_STATUS_LMCES;
            return true;
        case MceWord::tes_p:
            bits = MCG_TES_P;
            return true;  // a capability's bit; so the program
        case MceWord::seam_nr:
            bits = 1u << 12;
            return true;
        default:
            return false;
    }
}

}  // namespace mcemu::formats
