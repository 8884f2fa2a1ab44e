#include "formats/mce_inject.hpp"

#include <string>

#include "core/mca/status.hpp"
#include "formats/mce_inject_lexer.hpp"

namespace mcemu::formats {
namespace {

using namespace mca;
using Record = MceInjectRecord;

struct SyntaxError {
    MceToken at;
    std::string right;
};

class Parser {
public:
    explicit Parser(std::string_view text) : lexer_(text) { take(); }

    MceInjectText run() {
        try {
            while (token_.kind != MceToken::Kind::end) record();
        } catch (const SyntaxError& e) {
            // The program hands a record over as soon as the next token cannot continue it.
            if (complete_) out_.records.push_back(finished());
            out_.error = Remark{e.at.line, e.at.column, found(e.at), e.right};
            out_.tool_line = e.at.tool_line;
        }
        return std::move(out_);
    }

private:
    // ------------------------------------------------------------ tokens

    MceToken take() {
        const MceToken was = token_;
        token_ = lexer_.next();
        return was;
    }
    static std::string found(const MceToken& t) {
        switch (t.kind) {
            case MceToken::Kind::end:
                return "the text ends here";
            case MceToken::Kind::stray:
                return "there is no such character in this format: '" + printable(t.text) + "'";
            default:
                return "'" + std::string(t.text) + "' cannot stand here";
        }
    }
    static std::string printable(std::string_view text) {
        const unsigned char c = static_cast<unsigned char>(text[0]);
        if (c >= 0x20 && c < 0x7f) return std::string(text);
        return "byte " + std::to_string(c);
    }
    [[noreturn]] void fail(std::string right) const { throw SyntaxError{token_, std::move(right)}; }
    MceToken number(std::string_view what) {
        if (token_.kind != MceToken::Kind::number) fail(std::string(what) + ", a number");
        return take();
    }
    void expect(MceWord word, std::string_view spelled) {
        if (!token_.is(word)) fail("\"" + std::string(spelled) + "\"");
        take();
    }
    void expect(char c) {
        if (!token_.is(c)) fail(std::string("\"") + c + "\"");
        take();
    }
    void warn(const MceToken& at, std::string wrong, std::string right) {
        out_.warnings.push_back({at.line, at.column, std::move(wrong), std::move(right)});
    }
    template <class T>
    T narrow(const MceToken& t, std::string_view what) {
        const T value = static_cast<T>(t.number);
        if (value != t.number)
            warn(t,
                 std::string(what) + " has " + std::to_string(8 * sizeof(T)) +
                     " bits: " + std::string(t.text) + " becomes " + std::to_string(value),
                 "a smaller number");
        return value;
    }

    // ------------------------------------------------------------ records

    void record() {
        r_ = Record{};
        flags_ = {};
        complete_ = false;
        start();
        if (!term()) fail("a term such as BANK, STATUS or ADDR");
        complete_ = true;
        while (term()) {
        }
        if (token_.kind != MceToken::Kind::end && !token_.is(MceWord::cpu) &&
            !token_.is(MceWord::mce))
            fail("a term, or the next record: CPU or MCE");
        out_.records.push_back(finished());
        complete_ = false;
    }

    /// Flags decide how a record is raised once all of it is known.
    Record finished() const {
        Record r = r_;
        const bool uncorrected = r.status & MCI_STATUS_UC;
        r.raise_explicit = flags_.raise.has_value();
        r.raise_as =
            flags_.raise.value_or(uncorrected ? Record::RaiseAs::exception : Record::RaiseAs::poll);
        using enum Record::Broadcast;
        r.broadcast = r.raise_as == Record::RaiseAs::poll || flags_.nobroadcast ? none
                      : flags_.irqbroadcast                                     ? irq
                                                                                : nmi;
        return r;
    }

    void start() {
        r_.line = token_.line;
        if (token_.is(MceWord::mce)) {
            take();
            return;
        }
        expect(MceWord::cpu, "CPU");
        const MceToken cpu = number("the CPU");
        if (token_.is(':')) return panic_line(cpu);
        r_.cpu = narrow<std::uint32_t>(cpu, "CPU");
        if (token_.kind == MceToken::Kind::number) r_.bank = narrow<std::uint8_t>(take(), "BANK");
    }

    /// As the kernel prints it, but with 0x before the numbers.
    void panic_line(const MceToken& cpu) {
        r_.legacy_cpu = narrow<std::uint8_t>(cpu, "CPU of a panic line");
        if (r_.legacy_cpu != 0)
            warn(cpu, "this form of start names no CPU to raise the record on: CPU 0 is used",
                 "CPU " + std::string(cpu.text) + " BANK ... in the short form");
        expect(':');
        expect(MceWord::machine, "MACHINE");
        expect(MceWord::check, "CHECK");
        expect(MceWord::exception, "EXCEPTION");
        expect(':');
        r_.mcgstatus = number("MCGSTATUS").number;
        expect(MceWord::bank, "BANK");
        r_.bank = narrow<std::uint8_t>(number("the bank"), "BANK");
        expect(':');
        set_status(token_, number("STATUS").number);
    }

    /// STATUS assigns: it also overwrites the valid bits that ADDR and MISC have set.
    void set_status(const MceToken& at, std::uint64_t value) {
        const std::uint64_t lost = r_.status & (MCI_STATUS_ADDRV | MCI_STATUS_MISCV) & ~value;
        if (lost & MCI_STATUS_ADDRV)
            warn(at, "STATUS replaces what stood there: ADDRV of the ADDR before it is lost",
                 "ADDR behind STATUS");
        if (lost & MCI_STATUS_MISCV)
            warn(at, "STATUS replaces what stood there: MISCV of the MISC before it is lost",
                 "MISC behind STATUS");
        r_.status = value;
    }

    template <class Bits>
    std::uint64_t bit_list(Bits bits_of) {
        std::uint64_t value = 0;
        for (;;) {
            std::uint64_t bits = 0;
            if (token_.kind == MceToken::Kind::number)
                value |= take().number;
            else if (token_.kind == MceToken::Kind::word && bits_of(token_.word, bits))
                take(), value |= bits;
            else
                return value;
        }
    }

    /// One term; false when the token begins none.
    bool term() {
        if (token_.kind != MceToken::Kind::word) return false;
        const MceToken key = token_;
        const auto begin = [&] {
            take();
            complete_ = false;  // until the term is whole
        };
        switch (key.word) {
            case MceWord::status:
                begin();
                set_status(key, bit_list(mce_status_bits));
                break;
            case MceWord::mcgstatus:
                begin();
                r_.mcgstatus = bit_list(mce_mcgstatus_bits);
                break;
            case MceWord::bank:
                begin();
                r_.bank = narrow<std::uint8_t>(number("the bank"), "BANK");
                break;
            case MceWord::addr:
                begin();
                r_.addr = number("the address").number;
                r_.status |= MCI_STATUS_ADDRV;
                break;
            case MceWord::misc:
                begin();
                r_.misc = number("MISC").number;
                r_.status |= MCI_STATUS_MISCV;
                break;
            case MceWord::tsc:
                begin();
                r_.tsc = number("the time-stamp counter").number;
                break;
            case MceWord::time:
                begin();
                r_.time = number("seconds since 1970").number;
                break;
            case MceWord::socketid:
                begin();
                r_.socketid = narrow<std::uint32_t>(number("the socket"), "SOCKETID");
                break;
            case MceWord::apicid:
                begin();
                r_.apicid = narrow<std::uint32_t>(number("the APIC id"), "APICID");
                break;
            case MceWord::mcgcap:
                begin();
                r_.mcgcap = number("MCG_CAP").number;
                break;
            case MceWord::processor:
                begin();
                r_.cpuvendor = narrow<std::uint8_t>(number("the vendor"), "PROCESSOR");
                expect(':');
                r_.cpuid = narrow<std::uint32_t>(number("CPUID.1.EAX"), "CPUID");
                break;
            case MceWord::rip:
                begin();
                rip();
                break;
            case MceWord::nobroadcast:
                begin();
                flags_.nobroadcast = true;
                break;
            case MceWord::irqbroadcast:
                begin();
                flags_.irqbroadcast = true;
                break;
            case MceWord::nmibroadcast:
                begin();
                break;  // the default by name
            case MceWord::hold:
                begin();
                r_.hold = true;
                break;
            case MceWord::in_irq:
                begin();
                r_.context = Record::Context::irq;
                break;
            case MceWord::in_proc:
                begin();
                r_.context = Record::Context::process;
                break;
            case MceWord::poll:
                begin();
                flags_.raise = Record::RaiseAs::poll;
                break;
            case MceWord::excp:
                begin();
                flags_.raise = Record::RaiseAs::exception;
                break;
            default:
                return false;
        }
        complete_ = true;
        return true;
    }

    /// IP; CS : IP; CS : <IP> {symbol}.
    void rip() {
        const MceToken first = number("the instruction pointer or the code segment");
        if (!token_.is(':')) {
            r_.cs = 0;
            r_.ip = first.number;
            return;
        }
        take();
        r_.cs = narrow<std::uint8_t>(first, "CS");
        if (!token_.is('<')) {
            r_.ip = number("the instruction pointer").number;
            return;
        }
        take();
        r_.ip = number("the instruction pointer").number;
        expect('>');
        expect('{');
        if (!token_.is(MceWord::symbol)) fail("a symbol");
        take();
        expect('}');
    }

    struct Flags {
        std::optional<Record::RaiseAs> raise;
        bool nobroadcast = false, irqbroadcast = false;
    };

    MceLexer lexer_;
    MceToken token_;
    Record r_;
    Flags flags_;
    bool complete_ = false;  // the record so far could end here
    MceInjectText out_;
};

}  // namespace

MceInjectText parse_mce_inject(std::string_view text) { return Parser(text).run(); }

}  // namespace mcemu::formats
