#include "report/campaign_file.hpp"

#include <SQLiteCpp/SQLiteCpp.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace mcemu::report {
namespace {

constexpr const char* kSchema = "mcemu/campaign-results/1";

std::uint64_t number(const SQLite::Column& c) { return static_cast<std::uint64_t>(c.getInt64()); }

/// 20 of "20" and of "20us", so that levels come by size; 0 of a word.
double leading_number(const std::string& text) {
    double value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

/// Sums of one level of a parameter, about a common origin: no cancellation.
struct Level {
    double n = 0, sum = 0, squares = 0;
};

class Reader {
public:
    explicit Reader(const std::string& path)
        : path_(path), db_(path, SQLite::OPEN_READONLY) {
        db_.setBusyTimeout(2000);
    }

    CampaignFigures read() {
        if (const std::string schema = meta("schema"); schema != kSchema)
            bad("it has schema \"" + schema + "\": this version reads \"" + std::string(kSchema) + "\"");
        figures_.name = meta("name");
        figures_.version = meta("version");
        figures_.finished = meta("finished") == "yes";
        cells();
        phases();
        measures();
        runs();
        durations();
        influences();
        return std::move(figures_);
    }

private:
    [[noreturn]] void bad(const std::string& what) const { throw InputError(path_ + ": " + what); }

    std::string meta(const std::string& key) {
        SQLite::Statement s(db_, "SELECT value FROM meta WHERE key = ?");
        s.bind(1, key);
        if (!s.executeStep()) bad("the database does not say its " + key + ": another version wrote it");
        return s.getColumn(0).getString();
    }

    void cells() {
        SQLite::Statement s(db_, "SELECT cell, name, parameters FROM cells ORDER BY cell");
        while (s.executeStep()) {
            if (number(s.getColumn(0)) != figures_.cells.size()) bad("cells are missing");
            CampaignCell cell;
            cell.name = s.getColumn(1).getString();
            cell.parameters =
                nlohmann::ordered_json::parse(s.getColumn(2).getString(), nullptr, false);
            if (!cell.parameters.is_object()) bad("the parameters of cell " + cell.name + " are no object");
            figures_.cells.push_back(std::move(cell));
        }
    }
    void phases() {
        SQLite::Statement s(db_, "SELECT phase, name FROM phases");
        while (s.executeStep()) {
            const auto lat = find_latency(s.getColumn(1).getString());
            phases_[number(s.getColumn(0))] =
                lat ? static_cast<std::uint32_t>(*lat) : static_cast<std::uint32_t>(kUnnamed);
        }
    }
    void measures() {
        SQLite::Statement s(db_,
                            "SELECT measure, begins, ends, deadline_ps FROM measures ORDER BY measure");
        while (s.executeStep()) {
            if (number(s.getColumn(0)) != measures_) bad("measures are missing");
            ++measures_;
            for (CampaignCell& cell : figures_.cells) {
                Measure m;
                m.from = s.getColumn(1).getString();
                m.to = s.getColumn(2).getString();
                m.pair = m.asked = true;
                if (!s.getColumn(3).isNull()) m.deadline = number(s.getColumn(3));
                cell.measures.push_back(std::move(m));
            }
        }
        for (CampaignCell& cell : figures_.cells)
            for (const char* end : {"last user mapping gone", "direct map closed"}) {
                Measure m;
                m.from = "poison";
                m.to = end;
                m.pair = true;
                cell.measures.push_back(std::move(m));
            }
        levels_.resize(measures_);
        origin_.resize(measures_);
        has_origin_.resize(measures_);
    }

    CampaignCell& cell(const SQLite::Column& c) {
        const std::uint64_t n = number(c);
        if (n >= figures_.cells.size()) bad("a run belongs to no cell");
        return figures_.cells[n];
    }

    void runs() {
        SQLite::Statement s(db_,
                            "SELECT cell, class, failure, pages, user_ps, user_open, direct_map_ps,"
                            " direct_map_open FROM runs ORDER BY cell, run");
        while (s.executeStep()) {
            CampaignCell& c = cell(s.getColumn(0));
            ++figures_.runs;
            ++c.runs;
            if (s.getColumn(1).isNull() || !s.getColumn(2).isNull()) {
                ++c.failures;
                continue;
            }
            ++c.classes[s.getColumn(1).getString()];
            if (number(s.getColumn(3)) == 0) continue;
            for (int i = 0; i < 2; ++i)  // what was still open has no length
                if (s.getColumn(5 + 2 * i).getInt() == 0) {
                    const std::uint64_t ps = number(s.getColumn(4 + 2 * i));
                    if (ps > 0)
                        c.measures[measures_ + static_cast<std::size_t>(i)].add(
                            ps, {{static_cast<std::uint32_t>(kUnnamed), ps}}, 0, 0);
                }
        }
    }

    void durations() {
        SQLite::Statement s(db_,
                            "SELECT cell, measure, ps, phases FROM durations ORDER BY cell, run, measure");
        std::vector<std::pair<std::uint32_t, std::uint64_t>> way;
        while (s.executeStep()) {
            CampaignCell& c = cell(s.getColumn(0));
            const std::uint64_t which = number(s.getColumn(1));
            if (which >= measures_) bad("a duration belongs to no measure");
            const std::uint64_t ps = number(s.getColumn(2));
            way_of(s.getColumn(3).getText(), ps, way);
            c.measures[which].add(ps, way, 0, 0);
            if (!has_origin_[which]) {
                has_origin_[which] = true;
                origin_[which] = static_cast<double>(ps);
            }
            const double x = static_cast<double>(ps) - origin_[which];
            for (const auto& [name, value] : c.parameters.items()) {
                Level& level = levels_[which][name][value.is_string() ? value.get<std::string>() : value.dump()];
                ++level.n;
                level.sum += x;
                level.squares += x * x;
            }
        }
    }

    /// "41:2000000 65535:310": phases and ps.
    void way_of(const char* text, std::uint64_t total,
                std::vector<std::pair<std::uint32_t, std::uint64_t>>& way) const {
        way.clear();
        const char* const end = text + std::strlen(text);
        std::uint64_t sum = 0;
        while (text != end) {
            std::uint64_t phase = 0, ps = 0;
            auto r = std::from_chars(text, end, phase);
            if (r.ec != std::errc{} || r.ptr == end || *r.ptr != ':') bad("a breakdown into phases is damaged");
            r = std::from_chars(r.ptr + 1, end, ps);
            const auto known = phases_.find(phase);
            if (r.ec != std::errc{} || known == phases_.end() || ps > total - sum)
                bad("a breakdown into phases is damaged");
            way.emplace_back(known->second, ps);
            sum += ps;
            text = r.ptr;
            if (text != end && *text++ != ' ') bad("a breakdown into phases is damaged");
        }
        if (sum < total) way.emplace_back(static_cast<std::uint32_t>(kUnnamed), total - sum);
    }

    void influences() {
        if (figures_.cells.empty()) return;
        for (std::size_t m = 0; m < measures_; ++m)
            for (const auto& [parameter, levels] : levels_[m]) {
                if (levels.size() < 2) continue;
                double n = 0, sum = 0, squares = 0, between = 0;
                for (const auto& [value, l] : levels) {
                    n += l.n;
                    sum += l.sum;
                    squares += l.squares;
                    between += l.sum * l.sum / l.n;
                }
                const auto k = static_cast<double>(levels.size());
                const double total = squares - sum * sum / n;
                between -= sum * sum / n;
                const double within = n > k ? (total - between) / (n - k) : 0;
                Influence i;
                i.from = figures_.cells.front().measures[m].from;
                i.to = figures_.cells.front().measures[m].to;
                i.parameter = parameter;
                if (total > 0)
                    i.share = std::clamp((between - (k - 1) * within) / (total + within), 0.0, 1.0);
                for (const auto& [value, l] : levels)
                    i.levels.emplace_back(value, origin_[m] + l.sum / l.n);
                std::stable_sort(i.levels.begin(), i.levels.end(), [](const auto& a, const auto& b) {
                    return std::pair(leading_number(a.first), a.first) <
                           std::pair(leading_number(b.first), b.first);
                });
                figures_.influences.push_back(std::move(i));
            }
        std::stable_sort(figures_.influences.begin(), figures_.influences.end(),
                         [](const Influence& a, const Influence& b) { return a.share > b.share; });
    }

    std::string path_;
    SQLite::Database db_;
    CampaignFigures figures_;
    std::map<std::uint64_t, std::uint32_t> phases_;  // the database's number to ours
    std::size_t measures_ = 0;
    std::vector<std::map<std::string, std::map<std::string, Level>>> levels_;  // by measure, parameter
    std::vector<double> origin_;
    std::vector<bool> has_origin_;
};

}  // namespace

CampaignFigures read_campaign(const std::string& path) {
    try {
        return Reader(path).read();
    } catch (const SQLite::Exception& e) {
        throw InputError(path + ": this is no results database of a campaign, or it is damaged: " +
                         e.what());
    }
}

}  // namespace mcemu::report
