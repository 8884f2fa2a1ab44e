#include "report/result_file.hpp"

#include "output/result.hpp"

namespace mcemu::report {
namespace {

using Json = nlohmann::ordered_json;

/// Values of a result by name; a missing or other one is the file's fault.
class Reader {
public:
    Reader(const Json& json, std::string name, std::string at)
        : json_(json), name_(std::move(name)), at_(std::move(at)) {}

    std::string text(const char* key) const { return *of<std::string>(key, &Json::is_string, "text"); }
    /// Empty for null.
    std::string text_or_null(const char* key) const {
        return member(key).is_null() ? "" : text(key);
    }
    std::uint64_t number(const char* key) const {
        const Json& value = member(key);
        if (!value.is_number_unsigned()) bad(key, "a whole number");
        return value.get<std::uint64_t>();
    }
    std::uint64_t ps(const char* key) const {
        const std::uint64_t ns = number(key);
        if (ns > ~std::uint64_t{0} / 1000) bad(key, "a time");
        return ns * 1000;
    }
    bool truth(const char* key) const {
        const Json& value = member(key);
        if (!value.is_boolean()) bad(key, "true or false");
        return value.get<bool>();
    }
    bool has(const char* key) const { return json_.is_object() && json_.contains(key); }
    const Json& value(const char* key) const { return member(key); }
    std::string optional_text(const char* key) const {
        return has(key) && json_[key].is_string() ? json_[key].get<std::string>() : "";
    }
    /// Calls f(Reader) for each object of a list.
    template <class F>
    void each(const char* key, F f) const {
        const Json& list = member(key);
        if (!list.is_array()) bad(key, "a list");
        std::size_t i = 0;
        for (const Json& entry : list)
            f(Reader(entry, name_, at_ + "/" + key + "/" + std::to_string(i++)));
    }
    [[noreturn]] void bad(const std::string& key, const std::string& wanted) const {
        throw InputError(name_ + ": " + at_ + "/" + key + ": " + wanted +
                         " would be right: this is no result that this version can read");
    }

private:
    const Json& member(const char* key) const {
        if (!json_.is_object()) throw InputError(name_ + ": " + at_ + ": an object would be right");
        const auto found = json_.find(key);
        if (found == json_.end())
            throw InputError(name_ + ": " + at_ + ": \"" + key +
                             "\" is missing: an older version wrote it, or it is no result");
        return *found;
    }
    template <class T>
    const T* of(const char* key, bool (Json::*is)() const noexcept, const char* wanted) const {
        const Json& value = member(key);
        if (!(value.*is)()) bad(key, wanted);
        return value.get_ptr<const T*>();
    }

    const Json& json_;
    std::string name_, at_;
};

}  // namespace

ResultFigures read_result(const Json& document, const std::string& name) {
    const Reader root(document, name, "");
    if (const std::string schema = root.text("schema"); schema != output::kResultSchema)
        throw InputError(name + ": /schema: the file has schema \"" + schema +
                         "\": this version reads results of \"" +
                         std::string(output::kResultSchema) + "\"");
    ResultFigures f;
    f.scenario = root.text("scenario");
    f.profile = root.text("profile");
    f.version = root.text("version");
    f.seed = root.number("seed");
    f.outcome = root.text("outcome");
    f.panic = root.text_or_null("panic");
    f.outcome_class = root.text("class");
    f.end = root.ps("end_ns");
    root.each("log", [&](const Reader& r) {
        f.log.push_back({r.ps("t_ns"), static_cast<int>(r.number("level") & 0xff), 0, r.text("text")});
    });
    root.each("signals", [&](const Reader& r) {
        f.signals.push_back({r.ps("t_ns"), r.text("process"), r.text("signal"), r.text("code"),
                             r.optional_text("addr"), r.number("pid")});
    });
    root.each("processes", [&](const Reader& r) {
        f.processes.push_back({r.text("id"), r.text("state"), r.number("pid")});
    });
    root.each("events", [&](const Reader& r) {
        f.events.push_back({r.text("id"), r.text("fate"), r.text("because"),
                            r.value("t_ns").is_null() ? 0 : r.ps("t_ns")});
    });
    root.each("expect", [&](const Reader& r) {
        f.expectations.push_back({r.text("at"), r.optional_text("note"), r.truth("ok")});
    });
    root.each("latency", [&](const Reader& r) {
        ResultFigures::Latency l{r.text("from"), r.text("to"), 0, {}};
        if (r.value("ns").is_null()) return;  // it was asked for and never came
        l.ps = r.ps("ns");
        r.each("phases", [&](const Reader& p) { l.phases.emplace_back(p.text("name"), p.ps("ns")); });
        f.latencies.push_back(std::move(l));
    });
    root.each("pages", [&](const Reader& r) {
        bool poisoned = false;
        const Json& flags = r.value("flags");
        if (!flags.is_array()) r.bad("flags", "a list");
        for (const Json& flag : flags) poisoned |= flag == "hwpoison";
        if (poisoned) f.poisoned_pages.push_back(r.text("pfn"));
    });
    if (root.has("severity_rows"))
        root.each("severity_rows", [&](const Reader& r) {
            f.severity_rows.push_back({r.number("row"), r.text("severity"), r.text("message")});
        });
    const Json& counters = root.value("counters");
    if (!counters.is_object()) root.bad("counters", "an object");
    for (const auto& [key, value] : counters.items())
        if (value.is_number_integer()) f.counters.emplace_back(key, value.get<std::int64_t>());
    return f;
}

}  // namespace mcemu::report
