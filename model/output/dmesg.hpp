#pragma once  // A record of the kernel log as the text that dmesg prints, to the character.
#include <string>

#include "core/kernel/printk.hpp"
#include "core/kernel/profile.hpp"

namespace mcemu::output {

/// Texts of one kernel's log lines (kernel.md Appendix A; prefixes: 0.3).
class Dmesg {
public:
    Dmesg(ProfileId profile, const Names& names) : profile_(profile), names_(names) {}

    /// Appends the text of `record`, without time stamp and without newline. Blanks at the end
    /// belong to the text where the kernel prints them.
    void append_text(std::string& out, const kernel::LogRecord& record) const;
    std::string text(const kernel::LogRecord& record) const {
        std::string out;
        append_text(out, record);
        return out;
    }
    /// Appends "[    0.001234] ": seconds and microseconds, rounded down.
    static void append_stamp(std::string& out, SimTime at);
    /// The whole log, a line each.
    std::string whole(const std::vector<kernel::LogRecord>& log) const;

private:
    ProfileId profile_;
    const Names& names_;
};

/// cattr_name(): "uncached-minus" (kernel.md 4.1).
std::string_view cache_mode_name(std::uint64_t mode);
/// One line of pat_memtype_list (kernel.md 4.3), `end` exclusive.
std::string memtype_line(ProfileId profile, std::uint64_t begin, std::uint64_t end,
                         std::uint64_t mode);

}  // namespace mcemu::output
