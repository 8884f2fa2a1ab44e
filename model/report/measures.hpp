#pragma once  // Durations from causes to effects, with the phases on the way.
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/latency.hpp"
#include "output/trace_names.hpp"
#include "report/chains.hpp"
#include "report/samples.hpp"

namespace mcemu::report {

/// Beyond the latency parameters: time that none of them accounts for, and the time for which an
/// error waited to be met.
inline constexpr std::size_t kUnnamed = kLatCount, kLatent = kLatCount + 1, kPhases = kLatCount + 2;
std::string_view phase_name(std::size_t phase);  ///< "kernel.mf_unmap"; "waiting"; "latent"

/// One duration with its way.
struct Slow {
    std::uint64_t ps = 0;
    std::uint32_t cause = 0, effect = 0;  ///< record ids; 0: no trace
    std::uint32_t run = 0;                ///< which run it comes from
    std::vector<std::pair<std::uint32_t, std::uint64_t>> phases;  ///< (phase, ps), in order
};

/// All durations from one kind of cause to one kind of effect.
struct Measure {
    static constexpr std::size_t kSlowest = 20;

    std::string from, to;  ///< as in scenarios ("event:e1", "signal:victim"), or in words
    std::string effect;    ///< of a pair: the kind of its effect, in words
    bool pair = false;     ///< between two named things; false: between kinds of things
    bool asked = false;    ///< by the user
    std::optional<std::uint64_t> deadline;  ///< ps
    std::uint64_t missed = 0;               ///< samples beyond the deadline
    Samples samples;
    struct Phase {
        std::uint64_t ps = 0;       ///< sum over all samples
        std::uint64_t samples = 0;  ///< that have it on their way
        double with_total = 0;      ///< sum of phase times (total - first total), for the variance
    };
    std::array<Phase, kPhases> phases{};
    double first = 0;  ///< total of the first sample
    double totals = 0; ///< sum of (total - first total)
    std::vector<Slow> slowest;  ///< longest first

    /// One more. `way`: phases and their ps, in order; their sum is `ps`. The ids are those of records.
    void add(std::uint64_t ps, const std::vector<std::pair<std::uint32_t, std::uint64_t>>& way,
             std::uint32_t cause_id, std::uint32_t effect_id);
    /// Adds what run `run` measured.
    void merge(const Measure& other, std::uint32_t run);
    /// Which share of the variance of the total a phase brings in; all of them sum to 1.
    /// 0 without variance.
    double variance_share(std::size_t phase) const;
};

/// FROM..TO as the user writes it: "event:e1..signal:victim", with a deadline "=50us".
struct Wanted {
    std::string from, to;
    std::optional<std::uint64_t> deadline;  ///< ps
};

/// Whether records can match it: "event:e1", "signal:", "panic", "mc_taken".
bool can_measure(std::string_view what);

class Measures {
public:
    /// More pairs of names than this are only counted among their kinds.
    static constexpr std::size_t kMostPairs = 400;

    Measures(const output::TraceNames& names, std::vector<Wanted> wanted);
    /// After Chains::add() of the same record.
    void add(const Chains& chains, const Past& past, const TraceRecord& record);

    std::vector<Measure> take();
    std::uint64_t left_out() const { return left_out_; }  ///< durations of pairs beyond kMostPairs
    std::uint64_t cut() const { return cut_; }            ///< effects whose beginning was forgotten

private:
    struct Key {
        std::uint64_t from, to;  // event; kind << 32 | subject
        auto operator<=>(const Key&) const = default;
    };
    bool matches(const std::string& what, TraceKind kind, std::uint32_t subject, std::uint64_t a,
                 std::uint64_t b) const;
    void asked(const Chains& chains, const Past& past, const TraceRecord& record);
    void sample(Measure& measure, const Chains::Path& path, std::uint64_t begin,
                const Past& effect);
    Measure* pair(std::uint32_t event, const TraceRecord& record, std::string_view effect);

    const output::TraceNames& names_;
    std::vector<Wanted> wanted_;
    std::vector<Measure> asked_;
    std::map<std::string, Measure> kinds_;  // by effect
    std::map<Key, Measure> pairs_;
    struct Began {
        std::uint64_t first = 0;
        std::uint64_t times = 0;
        std::uint32_t record = 0;
    };
    std::vector<Began> began_;  // per event
    Chains::Path path_;
    std::vector<std::pair<std::uint32_t, std::uint64_t>> phases_;
    std::uint64_t left_out_ = 0, cut_ = 0;
};

}  // namespace mcemu::report
