#pragma once  // A finished run to the record that a campaign keeps of it.
#include <nlohmann/json.hpp>
#include <vector>

#include "campaign/record.hpp"
#include "core/run_view.hpp"
#include "output/expect.hpp"
#include "output/measure.hpp"
#include "output/result.hpp"
#include "scenario/campaign_file.hpp"
#include "scenario/load.hpp"

namespace mcemu::campaign {

/// What a campaign looks at in its runs, for one cell: everything that is the same in all its runs
/// is worked out once.
class Observer {
public:
    Observer(const scenario::Campaign& campaign, const scenario::LoadedScenario& loaded);

    /// All but which run it was.
    RunRecord observe(const RunView& view) const;

private:
    struct Points {
        output::TimedPoint from, to;
    };
    bool misses_deadline(const RunRecord& record) const;

    const scenario::Campaign& campaign_;
    std::vector<Points> points_;
    /// Deadlines of the scenario's own (expect/latency/max), as an "expect" block; null: none.
    nlohmann::json deadlines_;
    nlohmann::json asked_;      ///< the "expect" block that the result must be able to answer
    output::Members members_;   ///< of the result that classes, numbers and deadlines look at
    output::Aliases devices_;
};

}  // namespace mcemu::campaign
