#include "import_fit.hpp"

#include <algorithm>
#include <map>

#include "output/expect.hpp"
#include "output/match.hpp"
#include "output/result.hpp"
#include "scenario/load.hpp"
#include "sim/run.hpp"

namespace mcemu::cli {
namespace {

using Json = nlohmann::ordered_json;

bool matches(const Json& want, const std::string& text) {
    return want.is_string() ? want.get_ref<const std::string&>() == text
                            : output::matches_pattern(want, text);
}

/// What lines that match have in common: their first words without numbers.
std::string key_of(std::string_view text) {
    constexpr std::size_t kLongest = 26;  // "mce: [Hardware Error]: TSC"
    std::string out;
    for (const char c : text) {
        if (out.size() >= kLongest) break;
        if (c < '0' || c > '9') out += c;
    }
    while (out.ends_with(' ')) out.pop_back();
    return out;
}

/// For each wanted line the printed one that it is, as many as possible in the order of both. What
/// is too much to weigh takes the next that matches, line by line.
std::vector<std::size_t> align(const std::vector<scenario::SeenLine>& seen,
                               const std::vector<std::string>& log) {
    constexpr std::size_t kNone = ~std::size_t{0}, kMostCells = 1'000'000, kSight = 50;
    const std::size_t n = seen.size(), m = log.size();
    std::vector<std::size_t> out(n, kNone);
    std::map<std::string, std::vector<std::size_t>> places;
    for (std::size_t k = 0; k < m; ++k) places[key_of(log[k])].push_back(k);
    const auto candidates = [&](std::size_t i) -> const std::vector<std::size_t>& {
        return places[key_of(seen[i].text)];
    };
    if (n * m > kMostCells) {
        std::size_t from = 0;
        for (std::size_t i = 0; i < n; ++i) {
            const std::vector<std::size_t>& at = candidates(i);
            auto k = std::lower_bound(at.begin(), at.end(), from);
            for (std::size_t tried = 0; tried < kSight && k != at.end(); ++tried, ++k) {
                if (!matches(seen[i].want, log[*k])) continue;
                out[i] = *k;
                from = *k + 1;
                break;
            }
        }
        return out;
    }
    std::vector<std::vector<bool>> same(n, std::vector<bool>(m));
    for (std::size_t i = 0; i < n; ++i)
        for (const std::size_t k : candidates(i)) same[i][k] = matches(seen[i].want, log[k]);
    std::vector<std::vector<std::uint32_t>> longest(n + 1, std::vector<std::uint32_t>(m + 1, 0));
    for (std::size_t i = n; i-- > 0;)
        for (std::size_t k = m; k-- > 0;)
            longest[i][k] = std::max(
                {longest[i + 1][k], longest[i][k + 1], same[i][k] ? longest[i + 1][k + 1] + 1 : 0});
    for (std::size_t i = 0, k = 0; i < n && k < m;) {
        if (same[i][k] && longest[i][k] == longest[i + 1][k + 1] + 1)
            out[i++] = k++;
        else if (longest[i + 1][k] >= longest[i][k + 1])
            ++i;
        else
            ++k;
    }
    return out;
}

}  // namespace

std::vector<scenario::SeenLine> fit_expectation(Json& scenario,
                                                const std::vector<scenario::SeenLine>& seen) {
    if (seen.empty()) return {};
    // A line that is seen belongs to one event at most, and lines come in the order of events: a
    // long log needs no more than its beginning.
    const std::size_t most = 2 * seen.size() + 1000;
    const bool whole = scenario["events"].size() <= most;
    Json beginning = Json::object();
    if (!whole) {
        for (const auto& [key, value] : scenario.items())
            if (key != "events") beginning[key] = value;
        const Json& events = scenario["events"];
        beginning["events"] =
            Json(Json::array_t(events.begin(), events.begin() + static_cast<std::ptrdiff_t>(most)));
    }
    scenario::LoadResult loaded =
        scenario::load_text("<imported scenario>", (whole ? scenario : beginning).dump());
    if (!loaded.loaded) return seen;
    sim::Simulation simulation(std::move(loaded.loaded->scenario), {});
    simulation.run();
    Json result = output::make_result(simulation.view(), nlohmann::json::object());
    std::vector<std::string> log;
    for (const Json& line : result["log"]) log.push_back(line["text"]);

    const std::vector<std::size_t> at = align(seen, log);
    std::vector<scenario::SeenLine> missed;
    Json want = Json::array();
    std::size_t next = 0;
    for (std::size_t i = 0; i < seen.size(); ++i) {
        if (at[i] >= log.size()) {
            missed.push_back(seen[i]);
            continue;
        }
        if (at[i] != next) want.push_back("...");
        want.push_back(seen[i].want);
        next = at[i] + 1;
    }
    if (want.empty()) return missed;
    if (next != log.size() || !whole) want.push_back("...");
    Json expect = {{"outcome", result["outcome"]}, {"log", std::move(want)}};
    if (result["panic"].is_string()) {
        const std::string panic =
            "Kernel panic - not syncing: " + result["panic"].get<std::string>();
        const bool told =
            std::any_of(seen.begin(), seen.end(),
                        [&](const scenario::SeenLine& line) { return matches(line.want, panic); });
        if (told) expect["panic"] = result["panic"];
    }
    const bool died = result["outcome"] != "running";
    const bool panicked = std::any_of(seen.begin(), seen.end(), [](const scenario::SeenLine& line) {
        return line.text.starts_with("Kernel panic");
    });
    // How it ends is expected where the source says the same.
    if (died != panicked || (!whole && !died)) expect.erase("outcome");
    scenario["expect"] = std::move(expect);
    return missed;
}

}  // namespace mcemu::cli
