#include "report/run_figures.hpp"

#include "output/trace_lanes.hpp"
#include "report/chains.hpp"

namespace mcemu::report {

TraceFigures read_trace(std::istream& in, const std::string& name,
                        const std::vector<Wanted>& wanted, std::size_t most_rows) {
    TraceFile file(in, name);
    TraceFigures f;
    f.head = file.head();
    f.timeline = Timeline(most_rows);
    output::LaneFinder lanes;
    const auto chains = std::make_unique<Chains>();
    Measures measures(file.names(), wanted);
    std::uint32_t id = 0;
    TraceRecord record;
    while (file.next(id, record)) {
        if (f.first == 0) f.first = id;
        const Past& past = chains->add(id, record);
        const output::Lane lane = lanes.lane(id, record);
        f.timeline.add(id, past.root, record, lanes.begin(id, record), lane, file.text());
        f.exposure.add(past, record);
        measures.add(*chains, past, record);
        if (record.kind == TraceKind::log_line && f.log_lines++ < TraceFigures::kMostLog)
            f.log.push_back({record.at.count(), -1, id, file.text()});
    }
    f.measures = measures.take();
    f.pairs_left_out = measures.left_out();
    f.chains_cut = measures.cut();
    f.names = file.names();
    f.names.actions.resize(f.names.events.size(), "?");
    return f;
}

}  // namespace mcemu::report
