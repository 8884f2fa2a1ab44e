#include "formats/qemu_monitor.hpp"

#include "core/mca/status.hpp"
#include "formats/scan.hpp"

namespace mcemu::formats {
namespace {

/// The monitor's calculator: any of + - binds weaker than any of & | ^, which binds weaker than any
/// of * / %. 64-bit, signed, wrapping.
class Expression {
public:
    Expression(std::string_view text, std::size_t at) : text_(text), at_(at) {}

    std::size_t at() const { return at_; }
    /// Empty: it was good.
    const std::string& wrong() const { return wrong_; }

    std::uint64_t sum() {
        std::uint64_t value = logic();
        while (wrong_.empty() && (is('+') || is('-'))) {
            const char op = next();
            const std::uint64_t right = logic();
            value = op == '+' ? value + right : value - right;
        }
        return value;
    }

private:
    static constexpr unsigned kDeepest = 64;  ///< parentheses; ours, so that the stack is enough

    bool is(char c) const { return at_ < text_.size() && text_[at_] == c; }
    void blanks() {
        while (is(' ') || is('\t')) ++at_;
    }
    char next() {
        const char c = text_[at_++];
        blanks();
        return c;
    }
    std::uint64_t fail(std::string what) {
        if (wrong_.empty()) wrong_ = std::move(what);
        return 0;
    }

    std::uint64_t logic() {
        std::uint64_t value = product();
        while (wrong_.empty() && (is('&') || is('|') || is('^'))) {
            const char op = next();
            const std::uint64_t right = product();
            value = op == '&' ? value & right : op == '|' ? value | right : value ^ right;
        }
        return value;
    }

    std::uint64_t product() {
        std::uint64_t value = unary();
        while (wrong_.empty() && (is('*') || is('/') || is('%'))) {
            const char op = next();
            const std::uint64_t right = unary();
            if (!wrong_.empty()) return 0;
            if (op == '*') {
                value *= right;
                continue;
            }
            if (right == 0) return fail("division by zero");
            const auto a = static_cast<std::int64_t>(value), b = static_cast<std::int64_t>(right);
            // The one quotient that does not fit: what wrapping gives.
            if (b == -1)
                value = op == '/' ? std::uint64_t{0} - value : 0;
            else
                value = static_cast<std::uint64_t>(op == '/' ? a / b : a % b);
        }
        return value;
    }

    std::uint64_t unary() {
        blanks();
        if (at_ >= text_.size()) return fail("unexpected end of expression");
        if (depth_ >= kDeepest) return fail("too many signs or parentheses");
        ++depth_;
        const std::uint64_t value = operand();
        --depth_;
        return value;
    }

    std::uint64_t operand() {
        switch (text_[at_]) {
            case '+':
                next();
                return unary();
            case '-':
                next();
                return std::uint64_t{0} - unary();
            case '~':
                next();
                return ~unary();
            case '(': {
                next();
                const std::uint64_t value = sum();
                if (!wrong_.empty()) return 0;
                if (!is(')')) return fail("')' expected");
                next();
                return value;
            }
            case '\'': {
                if (at_ + 2 >= text_.size() || text_[at_ + 2] != '\'')
                    return fail("a character constant has the form 'c'");
                const auto c = static_cast<unsigned char>(text_[at_ + 1]);
                at_ += 3;
                blanks();
                return c;
            }
            case '$':
                return fail("a register of the guest has no value here");
            default:
                return literal();
        }
    }

    std::uint64_t literal() {
        Scan scan(text_.substr(at_));
        int base = 10;
        if (scan.rest.size() > 2 && scan.rest[0] == '0' &&
            (scan.rest[1] == 'x' || scan.rest[1] == 'X') &&
            std::string_view("0123456789abcdefABCDEF").find(scan.rest[2]) !=
                std::string_view::npos) {
            base = 16;
            scan.rest.remove_prefix(2);
        } else if (scan.peek() == '0') {
            base = 8;  // a lone 0 too
        }
        const bool digit = scan.peek() >= '0' && scan.peek() <= '9';
        const auto value = scan.number(base);
        if (!value) return fail(digit || base == 16 ? "number too large" : "a number is expected");
        at_ = text_.size() - scan.rest.size();
        blanks();
        return *value;
    }

    std::string_view text_;
    std::size_t at_;
    std::string wrong_;
    unsigned depth_ = 0;
};

class Reader {
public:
    QemuMonitorText run(std::string_view text) {
        if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
        while (!text.empty()) {
            const std::size_t end = text.find('\n');
            std::string_view line = text.substr(0, end);
            text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
            if (line.ends_with('\r')) line.remove_suffix(1);
            ++number_;
            whole_ = line;
            this->line(line);
        }
        return std::move(out_);
    }

private:
    unsigned column(std::string_view rest) const {
        return static_cast<unsigned>(rest.data() - whole_.data()) + 1;
    }
    void pass_over(std::string_view at, std::string wrong) {
        out_.passed_over.push_back({number_, column(at), std::move(wrong), "it is left out"});
    }
    void error(std::string_view at, std::string wrong, std::string right) {
        out_.errors.push_back({number_, column(at), std::move(wrong), std::move(right)});
    }

    void line(std::string_view text) {
        Scan scan(text);
        scan.blanks();
        while (scan.literal("(qemu)")) scan.blanks();
        if (scan.done() || scan.peek() == '#') return;
        std::string_view command = scan.rest;
        if (scan.peek() == '{') {
            // No command of the monitor needs an escape in JSON.
            Scan json(scan.rest);
            if (json.rest.find("human-monitor-command") == std::string_view::npos ||
                !json.behind("\"command-line\"")) {
                pass_over(scan.rest, "this line of QMP is no human-monitor-command");
                return;
            }
            json.blanks();
            if (!json.literal(":"))
                return error(json.rest, "':' is missing", "\"command-line\": \"mce ...\"");
            json.blanks();
            if (!json.literal("\""))
                return error(json.rest, "the command is no text", "\"command-line\": \"mce ...\"");
            command = json.until("\"");
        }
        Scan words(command);
        words.blanks();
        const std::string_view name = words.word();
        if (name == "mce") return mce(words);
        pass_over(command, "'" + printable(name) + "' is no mce command");
    }

    static std::string printable(std::string_view word) {
        std::string out;
        for (const char c : word.substr(0, 40))
            out += static_cast<unsigned char>(c) >= 0x20 && static_cast<unsigned char>(c) < 0x7f
                       ? c
                       : '?';
        return out;
    }

    void mce(Scan words) {
        static constexpr const char* kUsage = "mce [-b] cpu bank status mcgstatus addr misc";
        QemuMce m;
        m.line = number_;
        words.blanks();
        if (words.peek() == '-' && words.rest.size() > 1 &&
            (words.rest[1] < '0' || words.rest[1] > '9')) {
            if (words.rest[1] != 'b') return error(words.rest, "unsupported option", kUsage);
            m.broadcast = true;
            words.rest.remove_prefix(2);
        }
        std::uint64_t values[6];
        static constexpr const char* kNames[] = {"cpu",       "bank", "status",
                                                 "mcgstatus", "addr", "misc"};
        const std::string_view all = words.rest;
        std::size_t at = 0;
        for (std::size_t i = 0; i < 6; ++i) {
            Expression expression(all, at);
            values[i] = expression.sum();
            if (!expression.wrong().empty())
                return error(all.substr(expression.at()),
                             std::string(kNames[i]) + ": " + expression.wrong(), kUsage);
            if (i < 2 && values[i] > 0xffffffff)
                return error(all.substr(at), std::string(kNames[i]) + " is for 32-bit values",
                             kUsage);
            at = expression.at();
        }
        if (at < all.size())
            return error(all.substr(at), "extraneous characters at the end of line", kUsage);
        m.cpu = static_cast<std::uint32_t>(values[0]);
        m.bank = static_cast<std::uint32_t>(values[1]);
        m.status = values[2];
        m.mcgstatus = values[3];
        m.addr = values[4];
        m.misc = values[5];
        if (!(m.status & mca::MCI_STATUS_VAL))
            return error(all, "QEMU refuses a status without VAL: Invalid MCE status code",
                         "bit 63 set: 0xbd80000000000134");
        out_.commands.push_back(m);
    }

    QemuMonitorText out_;
    std::string_view whole_;
    unsigned number_ = 0;
};

std::string hex(std::uint64_t value) {
    char digits[16];
    const char* end = std::to_chars(digits, digits + sizeof digits, value, 16).ptr;
    return "0x" + std::string(static_cast<const char*>(digits), end);
}

}  // namespace

QemuMonitorText parse_qemu_monitor(std::string_view text) { return Reader().run(text); }

std::string qemu_mce_command(const QemuMce& m) {
    return std::string(m.broadcast ? "mce -b " : "mce ") + std::to_string(m.cpu) + " " +
           std::to_string(m.bank) + " " + hex(m.status) + " " + hex(m.mcgstatus) + " " +
           hex(m.addr) + " " + hex(m.misc);
}

}  // namespace mcemu::formats
