#include "scenario/told.hpp"

#include <stdexcept>

namespace mcemu::scenario {
namespace {

std::string lines(const LoadResult& result) {
    std::string text;
    for (const Finding& finding : result.findings)
        text += (text.empty() ? "" : "\n") + to_text(finding);
    return text;
}

}  // namespace

std::string told(const std::string& text, LoadOptions options) {
    options.purpose = Purpose::check;
    return lines(load_text("s.json", text, options));
}

std::string document(const std::string& body) {
    return "{\"schema\": \"mcemu/scenario/1\", \"name\": \"t\", \"events\": [],\n" + body + "}";
}

std::string with_events(const std::string& events) {
    return R"({"schema": "mcemu/scenario/1", "name": "t", "machine": {"nvdimms": [{"size": "4GiB"}],
"regions": [{"base": "0x200000000", "nvdimms": ["nmem0"]}],
"namespaces": [{"id": "namespace0.0", "size": "1GiB"}, {"id": "namespace0.1", "mode": "devdax"}]},
"files": [{"id": "f", "on": "namespace0.0", "size": "4MiB"}],
"processes": [{"id": "p", "pid": 100, "maps": [{"id": "m", "va": "0x200000", "size": "2MiB"}]},
{"id": "q"}], "events": [
)" + events + "]}";
}

std::shared_ptr<LoadedScenario> loaded(const std::string& text, const LoadOptions& options) {
    LoadResult result = load_text("s.json", text, options);
    if (!result.loaded) throw std::runtime_error(lines(result));
    return result.loaded;
}

}  // namespace mcemu::scenario
