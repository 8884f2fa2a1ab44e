#pragma once  // Words, numbers and punctuation of mce-inject text.
#include <cstdint>
#include <string>
#include <string_view>

namespace mcemu::formats {

/// Keywords in the order of the table in the .cpp; `symbol` is any other word.
enum class MceWord : std::uint8_t {
    symbol,
    // starts
    cpu,
    mce,
    machine,
    check,
    exception,
    // terms
    status,
    mcgstatus,
    bank,
    addr,
    misc,
    tsc,
    time,
    socketid,
    apicid,
    mcgcap,
    processor,
    rip,
    nobroadcast,
    irqbroadcast,
    nmibroadcast,
    hold,
    in_irq,
    in_proc,
    poll,
    excp,
    // bits of STATUS
    val,
    over,
    uc,
    en,
    pcc,
    s,
    ar,
    tes_yellow,
    corrected,
    uncorrected,
    fatal,
    ucna,
    srao,
    srar,
    // bits of MCGSTATUS
    ripv,
    eipv,
    mcip,
    lmces,
    tes_p,
    seam_nr,
};

struct MceToken {
    enum class Kind : std::uint8_t { end, number, word, punctuation, stray } kind = Kind::end;
    std::string_view text;
    std::uint64_t number = 0;  ///< saturates at 2^64-1
    MceWord word = MceWord::symbol;
    unsigned line = 1, column = 1;
    unsigned tool_line = 1;  ///< lines that end in a comment are not counted

    bool is(MceWord w) const { return kind == Kind::word && word == w; }
    bool is(char c) const { return kind == Kind::punctuation && text[0] == c; }
};

class MceLexer {
public:
    explicit MceLexer(std::string_view text) : text_(text) {}
    MceToken next();

private:
    void skip_blanks();
    void advance(std::size_t bytes);

    std::string_view text_;
    std::size_t at_ = 0;
    unsigned line_ = 1, column_ = 1, tool_line_ = 1;
};

/// The bits that a word stands for in a STATUS list; false for words that do not belong there.
bool mce_status_bits(MceWord word, std::uint64_t& bits);
/// Likewise in an MCGSTATUS list.
bool mce_mcgstatus_bits(MceWord word, std::uint64_t& bits);

}  // namespace mcemu::formats
