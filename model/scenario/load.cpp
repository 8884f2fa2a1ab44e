#include "scenario/load.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <set>
#include <stdexcept>

#include "scenario/document.hpp"
#include "scenario/prepare.hpp"
#include "scenario/reader.hpp"
#include "scenario/resolver.hpp"
#include "scenario/schema.hpp"

namespace mcemu::scenario {
namespace {

/// So many events are shown to valijson; a test proves that the reader finds the same in the rest.
constexpr std::size_t kValidatedEvents = 1000;

/// The document as nlohmann's, with at most `events` of its events.
nlohmann::json shown(const Value& root, std::size_t events) {
    Value copy = root;
    std::vector<Value> members(root.children().begin(), root.children().end());
    for (Value& member : members) {
        if (member.key == "events" && member.is(Value::Type::array))
            member.count = static_cast<std::uint32_t>(std::min<std::size_t>(member.count, events));
    }
    copy.items = members.data();
    return to_json(copy);
}

std::string folder_of(const std::string& name) {
    return name == "-" ? std::string() : std::filesystem::path(name).parent_path().string();
}

const Value* text_member(const Value& root, std::string_view key) {
    const Value* value = root.find(key);
    return value != nullptr && value->is(Value::Type::text) ? value : nullptr;
}

}  // namespace

/// What is known of a document before overrides.
struct Draft::State {
    std::shared_ptr<Document> document = std::make_shared<Document>();
    Findings findings;
    bool parsed = false;    ///< document.root is an object
    bool other = false;     ///< it is JSON, and no object
    bool complete = false;  ///< all that it includes could be read

    std::uint16_t read(Source source, const LoadOptions& options) {
        const std::uint16_t main = document->add_source(std::move(source));
        const auto root = parse(*document, main, findings);
        if (!root) return main;
        document->root = *root;
        if (!root->is(Value::Type::object)) {
            other = true;
            findings.add(Path{nullptr, &document->root},
                         {describe(*root) + " stands here", "a scenario is an object"});
            return main;
        }
        parsed = true;
        complete = merge_includes(*document, main, options, findings);
        parsed = document->root.is(Value::Type::object);
        return main;
    }
};

namespace {

class Loader {
public:
    Loader(const LoadOptions& options, std::shared_ptr<Document> document, Findings findings)
        : options_(options), document_(std::move(document)), findings_(std::move(findings)) {}

    void work(bool complete) {
        Value& root = document_->root;
        Overrides overrides = options_.overrides;
        if (!overrides.matrix.empty()) {
            auto cell = pick_cell(*document_, overrides.matrix, findings_);
            if (!cell) return;
            overrides.params = std::move(*cell);
        }
        if (options_.machine_only) leave_machine(root);
        const std::vector<std::string> unknown = unknown_names();
        apply_overrides(*document_, overrides, findings_);
        substitute_params(*document_, findings_);
        read(*document_, kScenarioShape, root, findings_);
        if (options_.second_opinion) validate();
        // Ids that stand in a missing file would all be unknown: that one finding is enough.
        if (!root.is(Value::Type::object) || !complete) return;

        const Value* matrix = root.find("matrix");
        if (matrix != nullptr) check_matrix(*matrix, unknown, !overrides.params.empty());
        resolver_ = std::make_unique<Resolver>(*document_, findings_);
        resolver_->resolve();
        if (const Value* before = text_member(root, "boots_on")) {
            std::error_code error;
            if (!std::filesystem::exists(beside(*before), error)) {
                const Path top{nullptr, &root};
                findings_.add(Path{&top, before, before->key},
                              {"there is no file " + in_quotes(beside(*before)),
                               "paths count from the folder of the file that names them"});
            }
        }
    }

private:
    /// Takes away what happens to the machine and what is expected of it.
    static void leave_machine(Value& root) {
        if (Value* events = root.find("events")) {
            events->type = Value::Type::array;
            events->count = 0;
        }
        for (const std::string_view key : {"expect", "matrix", "boots_on"}) {
            Value* const member = root.find(key);
            if (member == nullptr) continue;
            std::move(member + 1, root.items + root.count, member);
            --root.count;
        }
    }

    /// The path that a text stands for, from the folder of its file.
    std::string beside(const Value& text) const {
        const std::filesystem::path folder(document_->source(text.source).folder);
        return (folder / std::filesystem::path(text.text())).lexically_normal().string();
    }

    /// valijson's verdict on the same document. The reader's findings say more; when it has none,
    /// valijson's own count.
    void validate() {
        const nlohmann::json seen = shown(document_->root, kValidatedEvents);
        const Validator validator(schema_for(kScenarioShape, seen));
        if (validator.accepts(seen) || !findings_.empty()) return;
        for (const auto& refusal : validator.refusals(seen))
            findings_.add_at(document_->root.source, document_->root.offset, refusal.pointer,
                             {refusal.text, "see `mcemu schema scenario`"});
    }

    /// Names of the matrix that are no params; looked for before a cell adds them.
    std::vector<std::string> unknown_names() const {
        std::vector<std::string> out;
        const Value* matrix = document_->root.find("matrix");
        const Value* params = document_->root.find("params");
        if (matrix == nullptr) return out;
        for (const Value& member : matrix->children())
            if (params == nullptr || params->find(member.key) == nullptr)
                out.emplace_back(member.key);
        return out;
    }

    void check_matrix(const Value& matrix, const std::vector<std::string>& unknown, bool picked) {
        const Path root{nullptr, &document_->root};
        const Path at{&root, &matrix, matrix.key};
        std::vector<std::string_view> names;
        if (const Value* params = document_->root.find("params"))
            for (const Value& p : params->children())
                if (std::find(unknown.begin(), unknown.end(), p.key) == unknown.end())
                    names.push_back(p.key);
        for (const Value& member : matrix.children())
            if (std::find(unknown.begin(), unknown.end(), member.key) != unknown.end())
                findings_.add_at_key(Path{&at, &member, member.key},
                                     {"there is no parameter " + in_quotes(member.key),
                                      did_you_mean(member.key, names, "add it to \"params\"")});
        const Matrix combinations = matrix_of(document_->root);
        if (combinations.cells() > Matrix::kMostCells)
            findings_.add_at_key(at, {"the matrix has more than 2^32 combinations",
                                      "leave some values out"});
        if (options_.purpose != Purpose::run || picked) return;
        std::string pick;
        if (!combinations.axes.empty()) {
            for (const std::string& word : cell_words(combinations.cell(0))) pick += " --matrix " + word;
        }
        findings_.add_at_key(at, {"a matrix is many runs",
                                  "`mcemu regress` runs them all, " +
                                      (pick.empty() ? " --matrix NAME=VALUE" : pick).substr(1) +
                                      " one of them"});
    }

public:
    LoadResult result() {
        LoadResult out;
        out.findings = findings_.finish(*document_);
        out.left_out = findings_.left_out();
        if (!out.findings.empty() || resolver_ == nullptr) return out;
        auto loaded = std::make_shared<LoadedScenario>();
        loaded->scenario = std::move(resolver_->scenario);
        loaded->children = std::move(resolver_->children);
        loaded->text = document_;
        const Value& root = document_->root;
        const Value* expect = root.find("expect");
        loaded->expect = expect == nullptr ? nlohmann::json::object() : to_json(*expect);
        loaded->meta = nlohmann::json::object();
        for (const std::string_view key : {"name", "description", "tags"}) {
            if (const Value* value = root.find(key)) loaded->meta[std::string(key)] = to_json(*value);
        }
        if (const Value* before = text_member(root, "boots_on"))
            loaded->boots_on = beside(*before);
        out.loaded = std::move(loaded);
        return out;
    }

private:
    const LoadOptions& options_;
    std::shared_ptr<Document> document_;
    Findings findings_;
    std::unique_ptr<Resolver> resolver_;
};

/// Whether a document is a scenario, for those who look for them. What has events or expectations
/// under a scenario's schema or name was meant to be one, whatever is wrong with it. Where nothing
/// happens and nothing is expected, there is nothing to run: an empty list of events is as none.
Draft::Kind kind_of(const Value& root) {
    const Value* schema = text_member(root, "schema");
    const bool labelled = schema != nullptr && schema->text().starts_with("mcemu/scenario/");
    const Value* events = root.find("events");
    const bool happens =
        events != nullptr && !(events->is(Value::Type::array) && events->count == 0);
    const bool content = happens || root.find("expect") != nullptr;
    if (labelled) return content ? Draft::Kind::scenario : Draft::Kind::part;
    if (schema != nullptr) return Draft::Kind::other;
    if (events != nullptr && root.find("name") != nullptr)
        return content ? Draft::Kind::scenario : Draft::Kind::part;
    return root.find("machine") != nullptr || root.find("processes") != nullptr || events != nullptr
               ? Draft::Kind::part
               : Draft::Kind::other;
}

LoadResult load(Source source, const LoadOptions& options) {
    Draft::State state;
    state.read(std::move(source), options);
    Loader loader(options, std::move(state.document), std::move(state.findings));
    if (state.parsed) loader.work(state.complete);
    return loader.result();
}

LoadResult unreadable(Source source, const std::string& error, const LoadOptions& options) {
    auto document = std::make_shared<Document>();
    Findings findings;
    findings.add_at(document->add_source(std::move(source)), 0, "", {"cannot be read", error});
    LoadResult out = Loader(options, std::move(document), std::move(findings)).result();
    out.unreadable = true;
    return out;
}

}  // namespace

Draft::Draft(std::string path, const LoadOptions& options)
    : path_(std::move(path)), state_(std::make_unique<State>()) {
    ReadText text = options.read_file ? options.read_file(path_) : read_file(path_);
    Source source{path_ == "-" ? "<stdin>" : path_, {}, folder_of(path_)};
    if (text.text) {
        source.text = std::move(*text.text);
        state_->read(std::move(source), options);
        if (state_->parsed) {
            look();
        } else if (state_->other) {
            kind_ = Kind::other;
        }
    } else {
        unreadable_ = true;
        const std::uint16_t main = state_->document->add_source(std::move(source));
        state_->findings.add_at(main, 0, "", {"cannot be read", text.error});
    }
}

Draft::~Draft() = default;
Draft::Draft(Draft&&) noexcept = default;
Draft& Draft::operator=(Draft&&) noexcept = default;

void Draft::look() {
    legible_ = true;
    const Value& root = state_->document->root;
    kind_ = kind_of(root);
    if (const Value* name = text_member(root, "name")) name_ = name->text();
    if (const Value* tags = root.find("tags"); tags != nullptr && tags->is(Value::Type::array)) {
        for (const Value& tag : tags->children()) {
            if (tag.is(Value::Type::text)) tags_.emplace_back(tag.text());
        }
    }
    matrix_ = matrix_of(root);
    if (matrix_.cells() > Matrix::kMostCells) matrix_ = {};  // loading it is a finding
}

std::vector<std::string_view> Draft::texts() const {
    std::vector<std::string_view> out;
    for (std::size_t i = 0; i < state_->document->source_count(); ++i)
        out.push_back(state_->document->source(static_cast<std::uint16_t>(i)).text);
    return out;
}

const Document& Draft::document() const { return *state_->document; }

bool Draft::clean() const { return state_->findings.empty() && state_->parsed; }

void Draft::check_matrix() {
    if (!clean() || matrix_.axes.empty()) return;
    LoadOptions options;
    options.purpose = Purpose::check;
    options.second_opinion = false;
    matrix_checked_ = load_draft(copy(), options).loaded != nullptr;
}

Draft Draft::copy() const {
    if (!clean()) throw std::logic_error("Draft::copy: " + path_ + " has findings");
    Draft out;
    out.path_ = path_;
    out.name_ = name_;
    out.tags_ = tags_;
    out.kind_ = kind_;
    out.legible_ = legible_;
    out.state_ = std::make_unique<State>();
    out.state_->document = state_->document->copy(matrix_checked_ ? "matrix" : "");
    out.state_->parsed = true;
    out.state_->complete = state_->complete;
    return out;
}

LoadResult load_draft(Draft draft, const LoadOptions& options) {
    Draft::State state = std::move(*draft.state_);
    Loader loader(options, std::move(state.document), std::move(state.findings));
    if (state.parsed) loader.work(state.complete);
    LoadResult out = loader.result();
    out.unreadable = draft.unreadable_;
    return out;
}

namespace {

/// The value at a pointer, or the nearest container that exists; `whole`: it is that value.
const Value& value_at(const Value& root, std::string_view pointer, bool& whole) {
    const Value* at = &root;
    std::size_t begin = 0;
    while (begin < pointer.size() && pointer[begin] == '/') {
        const std::size_t end = std::min(pointer.find('/', begin + 1), pointer.size());
        std::string step;
        for (std::size_t i = begin + 1; i < end; ++i) {
            const bool escape = pointer[i] == '~' && i + 1 < end;
            step += escape ? (pointer[++i] == '1' ? '/' : '~') : pointer[i];
        }
        const Value* next = at->find(step);
        if (at->is(Value::Type::array)) {
            for (std::size_t i = 0; i < at->count; ++i) {
                if (std::to_string(i) == step) next = &at->items[i];
            }
        }
        if (next == nullptr) break;
        at = next;
        begin = end;
    }
    whole = begin >= pointer.size();
    return *at;
}

}  // namespace

std::string LoadedScenario::setting_place(std::string_view pointer) const {
    bool whole = false;
    const Value& at = value_at(text->root, pointer, whole);
    if (!whole) return {};
    // Without folders: a result is the same wherever the files lie.
    const std::string name =
        std::filesystem::path(text->source(at.source).name).filename().string();
    const Document::Position position = text->position(at.source, at.offset);
    return position.line == 0 ? name : name + ':' + std::to_string(position.line);
}

std::uint64_t LoadedScenario::rank(std::string_view pointer) const {
    bool whole = false;
    const Value& at = value_at(text->root, pointer, whole);
    return std::uint64_t{at.source} << 48 | at.offset;
}

std::string LoadedScenario::where(std::string_view pointer) const {
    bool whole = false;
    const Value* at = &value_at(text->root, pointer, whole);
    const Document::Position position = text->position(at->source, at->offset);
    std::string out = text->source(at->source).name;
    if (position.line != 0)
        out += ':' + std::to_string(position.line) + ':' + std::to_string(position.column);
    return out;
}

nlohmann::json LoadedScenario::document() const { return to_json(text->root); }

LoadResult load_file(const std::string& path, const LoadOptions& options) {
    ReadText text = options.read_file ? options.read_file(path) : read_file(path);
    Source source{path == "-" ? "<stdin>" : path, {}, folder_of(path)};
    if (!text.text) return unreadable(std::move(source), text.error, options);
    source.text = std::move(*text.text);
    return load(std::move(source), options);
}

LoadResult load_text(std::string name, std::string text, const LoadOptions& options) {
    std::string folder = folder_of(name);
    return load({std::move(name), std::move(text), std::move(folder)}, options);
}

ResultText load_result(std::string name, std::string text) {
    Document document;
    Findings findings;
    ResultText out;
    const std::uint16_t source = document.add_source({std::move(name), std::move(text), {}});
    if (const auto root = parse(document, source, findings)) {
        document.root = *root;
        read(document, kResultShape, document.root, findings);
        if (findings.empty()) out.result = to_json(document.root);
    }
    out.findings = findings.finish(document);
    return out;
}

bool is_result(std::string_view text) {
    Document document;
    Findings findings;
    const std::uint16_t source = document.add_source({"", std::string(text), {}});
    const auto root = parse(document, source, findings);
    if (!root || !root->is(Value::Type::object)) return false;
    const Value* schema = root->find("schema");
    return schema != nullptr && schema->is(Value::Type::text) &&
           schema->text().starts_with("mcemu/result/");
}

ReadText read_file(const std::string& path) {
    const bool standard = path == "-";
    std::error_code ignored;
    if (!standard && std::filesystem::is_directory(path, ignored))
        return {std::nullopt, "it is a folder: name a file in it"};
    std::FILE* const file = standard ? stdin : std::fopen(path.c_str(), "rb");
    if (file == nullptr) return {std::nullopt, std::strerror(errno)};
    std::string text;
    std::string error;
    char block[64 * 1024];
    while (true) {
        errno = 0;
        const std::size_t got = std::fread(block, 1, sizeof block, file);
        text.append(block, got);
        if (got < sizeof block) {
            if (std::ferror(file)) error = std::strerror(errno);
            break;
        }
        if (text.size() > kMaxFile) {
            error = "it has more than 1 GiB";
            break;
        }
    }
    if (!standard) std::fclose(file);
    if (!error.empty()) return {std::nullopt, error};
    return {std::move(text), {}};
}

}  // namespace mcemu::scenario
