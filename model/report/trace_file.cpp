#include "report/trace_file.hpp"

#include <simdjson.h>

#include <array>
#include <unordered_map>

#include "core/latency.hpp"
#include "output/trace_ndjson.hpp"
#include "output/trace_shape.hpp"
#include "report/values.hpp"

namespace mcemu::report {
namespace {

using output::As;
using output::Field;

struct Value {
    enum class Type : std::uint8_t { number, negative, text, null, other };
    std::string_view key, text;
    std::uint64_t number = 0;
    Type type = Type::other;
};

/// Numbers for names, in the order in which they come.
class Ids {
public:
    explicit Ids(std::vector<std::string>& names) : names_(names) {}
    std::uint64_t operator()(std::string_view name) {
        const auto found = numbers_.find(std::string(name));
        if (found != numbers_.end()) return found->second;
        numbers_.emplace(name, names_.size());
        names_.emplace_back(name);
        return names_.size() - 1;
    }

private:
    std::vector<std::string>& names_;
    std::unordered_map<std::string, std::uint64_t> numbers_;
};

}  // namespace

class TraceFile::Reader {
public:
    Reader(std::istream& in, std::string name) : in_(in), name_(std::move(name)) {
        if (!read_line())
            throw InputError(name_ + ": the file is empty: a trace of mcemu run --trace would be right");
        parse_line();
        if (head_.last == 0)
            throw InputError(name_ + ":1: the first record does not say what the file is: an older "
                             "version wrote it; write it again with mcemu run --trace");
        ready_ = true;
    }

    bool next(std::uint32_t& id, TraceRecord& record) {
        if (ready_) {
            ready_ = false;
        } else {
            if (!read_line()) {
                if (last_ != head_.last)
                    throw InputError(name_ + ": the trace is cut off after record " +
                                     std::to_string(last_) + " of " + std::to_string(head_.last) +
                                     ": write it again");
                return false;
            }
            parse_line();
        }
        id = last_;
        record = record_;
        return true;
    }

    TraceHead head_;
    output::TraceNames names_;
    std::string text_;

private:
    [[noreturn]] void bad(const std::string& what) const {
        throw InputError(name_ + ":" + std::to_string(line_number_) + ": " + what);
    }
    [[noreturn]] void bad_value(std::string_view key, std::string_view wanted) const {
        bad("\"" + std::string(key) + "\" is no " + std::string(wanted) +
            " that this version knows: another version or tool wrote it");
    }

    bool read_line() {
        line_.clear();
        if (!std::getline(in_, line_)) {
            if (in_.bad()) throw InputError(name_ + ": cannot be read");
            return false;
        }
        ++line_number_;
        if (in_.eof()) bad("the trace is cut off in this line: write it again");
        line_.reserve(line_.size() + simdjson::SIMDJSON_PADDING);
        return true;
    }

    void parse_line() {
        values_count_ = 0;
        simdjson::ondemand::document document;
        auto error = parser_.iterate(line_.data(), line_.size(), line_.capacity()).get(document);
        simdjson::ondemand::object object;
        if (!error) error = document.get_object().get(object);
        if (error) bad("this is no JSON object: a record of a trace would be one");
        for (auto member : object) {
            std::string_view key;
            if (member.unescaped_key().get(key)) bad("this is no JSON object");
            if (key == "trace") {
                head(member.value());
                continue;
            }
            if (values_count_ == values_.size()) bad("this record has too many members");
            Value& value = values_[values_count_++];
            value.key = key;
            read(member.value(), value);
        }
        const char* rest = nullptr;
        if (!document.current_location().get(rest)) bad("something follows the record");
        build();
    }

    void read(simdjson::simdjson_result<simdjson::ondemand::value> from, Value& value) {
        simdjson::ondemand::json_type type{};
        if (from.type().get(type)) bad("this is no JSON object");
        value.type = Value::Type::other;
        if (type == simdjson::ondemand::json_type::string) {
            if (from.get_string().get(value.text)) bad("this is no JSON object");
            value.type = Value::Type::text;
        } else if (type == simdjson::ondemand::json_type::number) {
            std::int64_t below = 0;
            if (!from.get_uint64().get(value.number)) {
                value.type = Value::Type::number;
            } else if (!from.get_int64().get(below)) {
                value.number = static_cast<std::uint64_t>(below);
                value.type = Value::Type::negative;
            }
        } else if (type == simdjson::ondemand::json_type::null) {
            if (from.is_null()) value.type = Value::Type::null;
        }
    }

    void head(simdjson::simdjson_result<simdjson::ondemand::value> from) {
        simdjson::ondemand::object object;
        if (from.get_object().get(object)) bad("\"trace\" is no object");
        std::string_view text;
        if (object["schema"].get_string().get(text) || text != output::kTraceSchema)
            bad("the trace has schema \"" + std::string(text) + "\": this version reads \"" +
                std::string(output::kTraceSchema) + "\"");
        const auto string = [&](const char* key, std::string& to) {
            std::string_view value;
            if (object[key].get_string().get(value)) bad_value(key, "text");
            to = value;
        };
        string("scenario", head_.scenario);
        string("profile", head_.profile);
        string("version", head_.version);
        std::uint64_t last = 0, end = 0;
        if (object["seed"].get_uint64().get(head_.seed)) bad_value("seed", "number");
        if (object["last"].get_uint64().get(last) || last > 0xffffffff || last == 0)
            bad_value("last", "record id");
        if (object["end_ps"].get_uint64().get(end)) bad_value("end_ps", "time");
        head_.last = static_cast<std::uint32_t>(last);
        head_.end = SimTime{end};
        simdjson::ondemand::array list;
        if (object["processes"].get_array().get(list)) bad_value("processes", "list");
        for (auto entry : list) {
            TraceHead::Process process;
            std::string_view id, comm;
            simdjson::ondemand::object one;
            if (entry.get_object().get(one) || one["id"].get_string().get(id) ||
                one["pid"].get_uint64().get(process.pid) || one["comm"].get_string().get(comm))
                bad_value("processes", "list");
            process.id = id;
            process.comm = comm;
            processes_(process.id);
            head_.processes.push_back(std::move(process));
        }
    }

    /// The member of that name; our own files have them in the order in which they are asked for.
    const Value& member(std::string_view key) {
        for (std::size_t i = 0; i < values_count_; ++i, ++hint_) {
            if (hint_ >= values_count_) hint_ = 0;
            if (values_[hint_].key == key) return values_[hint_++];
        }
        bad("the record lacks \"" + std::string(key) + "\"");
    }
    std::uint64_t number(std::string_view key) {
        const Value& v = member(key);
        if (v.type != Value::Type::number) bad_value(key, "number");
        return v.number;
    }
    std::string_view text(std::string_view key) {
        const Value& v = member(key);
        if (v.type != Value::Type::text) bad_value(key, "text");
        return v.text;
    }

    void build() {
        hint_ = 0;
        TraceRecord r{};
        r.at = SimTime{number("t_ps")};
        const std::uint64_t id = number("id");
        const std::uint64_t cause = number("cause");
        if (id == 0 || id > 0xffffffff || (last_ != 0 && id != last_ + 1))
            bad("record " + std::to_string(id) + " follows record " + std::to_string(last_) +
                ": records are missing or are not a run's");
        if (cause >= id) bad("the cause " + std::to_string(cause) + " is not older than its effect");
        if (last_ != 0 && r.at < record_.at) bad("the record is older than the one before it");
        if (last_ == 0) first_ = static_cast<std::uint32_t>(id);
        const Value& origin = member("origin");
        r.why.cause = static_cast<std::uint32_t>(cause);
        if (origin.type == Value::Type::text)
            r.why.origin = static_cast<std::uint32_t>(events_(origin.text)) + 1;
        else if (origin.type != Value::Type::null)
            bad_value("origin", "event");
        const auto module = find_module(text("module"));
        if (!module) bad_value("module", "module");
        r.module = *module;
        const auto kind = find_kind(text("kind"));
        if (!kind) bad_value("kind", "kind of record");
        r.kind = *kind;

        const output::Shape& shape = output::shape_of(r.kind);
        text_.clear();
        r.subject = static_cast<std::uint32_t>(value(shape.subject, r));
        r.a = value(shape.a, r);
        r.b = value(shape.b, r);
        r.c = value(shape.c, r);
        more(shape, r);
        last_ = static_cast<std::uint32_t>(id);
        record_ = r;
    }

    /// What lies packed beside another value.
    void more(const output::Shape& shape, TraceRecord& r) {
        switch (shape.more.as) {
            case As::none:
                return;
            case As::action: {
                const std::string_view word = text(shape.more.name);
                if (names_.actions.size() < names_.events.size())
                    names_.actions.resize(names_.events.size(), "?");
                if (names_.actions[r.subject] != word) names_.actions[r.subject] = word;
                return;
            }
            case As::access_result: {
                const std::string_view word = text(shape.more.name);
                std::uint64_t n = 0;
                for (const std::string_view known : output::access_results()) {
                    if (known == word) break;
                    ++n;
                }
                r.c |= n << 8;
                return;
            }
            case As::signal_code: {
                const auto code = find_signal_code(r.a, text(shape.more.name));
                if (!code) bad_value(shape.more.name, "signal code");
                r.a |= *code << 8;
                return;
            }
            case As::found_mode: {
                const auto mode = find_cache_mode(text(shape.more.name));
                if (!mode) bad_value(shape.more.name, "memory type");
                r.c |= *mode << 8;
                return;
            }
            case As::high_byte: {
                const Value& v = member(shape.more.name);
                if (v.type != Value::Type::number && v.type != Value::Type::negative)
                    bad_value(shape.more.name, "number");
                r.c |= v.number << 8;
                return;
            }
            default:
                bad("this version cannot read \"" + std::string(shape.more.name) + "\"");
        }
    }

    std::uint64_t value(const Field& f, const TraceRecord& r) {
        if (f.as == As::none) return 0;
        const Value& v = member(f.name);
        const auto found = [&](std::optional<std::uint64_t> number, std::string_view what) {
            if (!number) bad_value(f.name, what);
            return *number;
        };
        switch (f.as) {
            case As::number:
            case As::low_byte:
                if (v.type != Value::Type::number) bad_value(f.name, "number");
                return v.number;
            case As::signed_number:
                if (v.type != Value::Type::number && v.type != Value::Type::negative)
                    bad_value(f.name, "number");
                return v.number;
            default:
                break;
        }
        if (f.as == As::process_or_none && v.type == Value::Type::null) return ~std::uint32_t{0};
        if (f.as == As::origin && v.type == Value::Type::null) return 0;
        if (f.as == As::word && v.type == Value::Type::number) return v.number;
        if (v.type != Value::Type::text) bad_value(f.name, "text");
        switch (f.as) {
            case As::hex:
                return found(find_hex(v.text), "hex number");
            case As::event:
                return events_(v.text);
            case As::origin:
                return events_(v.text) + 1;
            case As::process:
            case As::process_or_none:
                return processes_(v.text);
            case As::device:
                if (v.text == "root") return ~std::uint32_t{0};
                return (r.module == Module::dram     ? drams_
                        : r.module == Module::memdev ? memdevs_
                                                     : nvdimms_)(v.text);
            case As::latency: {
                const auto lat = find_latency(v.text);
                return found(lat ? std::optional(static_cast<std::uint64_t>(*lat)) : std::nullopt,
                             "latency");
            }
            case As::access:
                return found(find_access(v.text), "kind of access");
            case As::page_flag:
                return found(find_page_flag(v.text), "page flag");
            case As::process_state:
                return found(find_process_state(v.text), "state of a process");
            case As::signal:
                return found(find_signal(v.text), "signal");
            case As::cache_mode:
            case As::requested_mode:
                return found(find_cache_mode(v.text), "memory type");
            case As::log_text:
            case As::log_index:
                text_ = v.text;
                return 0;
            case As::word: {
                for (std::uint64_t n = 0; n < f.words.size(); ++n)
                    if (f.words[n] == v.text) return n;
                bad_value(f.name, "word");
            }
            default:
                bad("this version cannot read \"" + std::string(f.name) + "\"");
        }
    }

    std::istream& in_;
    std::string name_;
    std::uint64_t line_number_ = 0;
    std::string line_;
    simdjson::ondemand::parser parser_;
    std::array<Value, 24> values_;
    std::size_t values_count_ = 0, hint_ = 0;
    bool ready_ = false;
    std::uint32_t last_ = 0, first_ = 0;
    TraceRecord record_{};
    Ids events_{names_.events}, processes_{names_.processes}, drams_{names_.drams},
        nvdimms_{names_.nvdimms}, memdevs_{names_.memdevs};
};

TraceFile::TraceFile(std::istream& in, std::string name)
    : reader_(std::make_unique<Reader>(in, std::move(name))) {}
TraceFile::~TraceFile() = default;
const TraceHead& TraceFile::head() const { return reader_->head_; }
bool TraceFile::next(std::uint32_t& id, TraceRecord& record) { return reader_->next(id, record); }
const std::string& TraceFile::text() const { return reader_->text_; }
const output::TraceNames& TraceFile::names() const { return reader_->names_; }

}  // namespace mcemu::report
