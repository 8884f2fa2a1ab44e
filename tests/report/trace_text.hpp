#pragma once  // NDJSON traces by hand.
#include <sstream>
#include <string>
#include <vector>

#include "report/run_figures.hpp"

namespace mcemu::test {

/// Records numbered from 1; `rest` of each: t_ps, cause, origin, module, kind and values. The first
/// gets the head of a file with `last` records (0: as many as there are).
inline std::string trace_text(const std::vector<std::string>& rest, std::size_t last = 0,
                              const std::string& scenario = "by-hand") {
    std::string out;
    for (std::size_t i = 0; i < rest.size(); ++i) {
        out += "{\"id\":" + std::to_string(i + 1) + "," + rest[i];
        if (i == 0)
            out += ",\"trace\":{\"schema\":\"mcemu/trace/1\",\"scenario\":\"" + scenario +
                   "\",\"profile\":\"v4.19\",\"seed\":1,\"version\":\"0\",\"last\":" +
                   std::to_string(last ? last : rest.size()) +
                   ",\"end_ps\":1000000000,\"processes\":[{\"id\":\"db\",\"pid\":9,\"comm\":\"db\"}]}";
        out += "}\n";
    }
    return out;
}

inline std::string event(std::uint64_t ps, std::uint32_t cause, const std::string& id) {
    return "\"t_ps\":" + std::to_string(ps) + ",\"cause\":" + std::to_string(cause) + ",\"origin\":\"" +
           id + "\",\"module\":\"scenario\",\"kind\":\"scenario_event\",\"event\":\"" + id +
           "\",\"do\":\"load\"";
}
inline std::string phase(std::uint64_t ps, std::uint32_t cause, const std::string& origin,
                         const std::string& name, std::uint64_t lasts) {
    return "\"t_ps\":" + std::to_string(ps) + ",\"cause\":" + std::to_string(cause) + ",\"origin\":\"" +
           origin + "\",\"module\":\"kernel\",\"kind\":\"phase\",\"cpu\":0,\"latency\":\"" + name +
           "\",\"ps\":" + std::to_string(lasts);
}
inline std::string signal(std::uint64_t ps, std::uint32_t cause, const std::string& origin,
                          const std::string& kind, const std::string& process = "db") {
    return "\"t_ps\":" + std::to_string(ps) + ",\"cause\":" + std::to_string(cause) + ",\"origin\":\"" +
           origin + "\",\"module\":\"kernel\",\"kind\":\"signal_" + kind + "\",\"process\":\"" + process +
           "\",\"signal\":\"SIGBUS\",\"addr\":\"0x1000\",\"lsb\":12,\"code\":\"BUS_MCEERR_AR\"";
}

inline report::TraceFigures read(const std::string& text,
                                 const std::vector<report::Wanted>& wanted = {},
                                 std::size_t most_rows = 1000) {
    std::istringstream in(text);
    return report::read_trace(in, "t.ndjson", wanted, most_rows);
}

}  // namespace mcemu::test
