#include "campaign/draw.hpp"

#include <algorithm>
#include <limits>

namespace mcemu::campaign {

using scenario::CampaignDraw;

nlohmann::json draw_value(const CampaignDraw& draw, std::uint64_t bits) {
    const double share = static_cast<double>(bits >> 11) * 0x1p-53;
    if (!draw.choices.empty()) {
        std::size_t i = 0;
        while (i + 1 < draw.shares.size() && share >= draw.shares[i]) ++i;
        return draw.choices[i];
    }
    if (draw.unit == CampaignDraw::Unit::real) return draw.low + (draw.high - draw.low) * share;
    std::uint64_t count = 0;
    if (draw.step != 0) {
        const Distribution steps{Distribution::Kind::uniform, SimTime{0},
                                 SimTime{(draw.how.second.count() - draw.how.first.count()) / draw.step}};
        count = draw.how.first.count() + Latency::sample(steps, bits).count() * draw.step;
    } else {
        count = Latency::sample(draw.how, bits).count();
    }
    return scenario::quantity_json(draw.unit, count);
}

std::vector<nlohmann::json> extremes(const CampaignDraw& draw) {
    std::vector<nlohmann::json> out;
    if (!draw.choices.empty()) {
        double before = 0;
        for (std::size_t i = 0; i < draw.choices.size(); ++i) {
            if (draw.shares[i] > before) out.push_back(draw.choices[i]);
            before = draw.shares[i];
        }
        return out;
    }
    // One in a million at each end.
    constexpr std::uint64_t kTail = std::numeric_limits<std::uint64_t>::max() / 1'000'000;
    const bool bounded = draw.how.kind == Distribution::Kind::uniform ||
                         draw.how.kind == Distribution::Kind::empirical;
    for (const std::uint64_t tail : {bounded ? 0 : kTail, ~(bounded ? std::uint64_t{0} : kTail)})
        out.push_back(draw_value(draw, tail));
    return out;
}

}  // namespace mcemu::campaign
