#include "scenario/load.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <set>

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

class Loader {
public:
    Loader(const LoadOptions& options) : options_(options), document_(std::make_shared<Document>()) {}

    LoadResult load(Source source) {
        const std::uint16_t main = document_->add_source(std::move(source));
        if (const auto root = parse(*document_, main, findings_)) {
            document_->root = *root;
            work(main);
        }
        return result();
    }

    LoadResult unreadable(Source source, const std::string& error) {
        const std::uint16_t main = document_->add_source(std::move(source));
        findings_.add_at(main, 0, "", {"cannot be read", error});
        LoadResult out = result();
        out.unreadable = true;
        return out;
    }

private:
    void work(std::uint16_t main) {
        Value& root = document_->root;
        if (!root.is(Value::Type::object)) {
            findings_.add(Path{nullptr, &root},
                          {describe(root) + " stands here", "a scenario is an object"});
            return;
        }
        const bool complete = merge_includes(*document_, main, options_, findings_);
        apply_overrides(*document_, options_.overrides, findings_);
        substitute_params(*document_, findings_);
        read(*document_, kScenarioShape, root, findings_);
        validate();
        // Ids that stand in a missing file would all be unknown: that one finding is enough.
        if (!root.is(Value::Type::object) || !complete) return;

        const Value* matrix = root.find("matrix");
        if (matrix != nullptr) check_matrix(*matrix);
        resolver_ = std::make_unique<Resolver>(*document_, findings_);
        resolver_->resolve();
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

    void check_matrix(const Value& matrix) {
        const Path root{nullptr, &document_->root};
        const Path at{&root, &matrix, matrix.key};
        const Value* params = document_->root.find("params");
        for (const Value& member : matrix.children()) {
            if (params != nullptr && params->find(member.key) != nullptr) continue;
            std::vector<std::string_view> names;
            if (params != nullptr) {
                for (const Value& p : params->children()) names.push_back(p.key);
            }
            findings_.add_at_key(Path{&at, &member, member.key},
                                 {"there is no parameter " + in_quotes(member.key),
                                  did_you_mean(member.key, names, "add it to \"params\"")});
        }
        if (options_.purpose == Purpose::run && options_.overrides.params.empty())
            findings_.add_at_key(at, {"a matrix is many runs",
                                      "use `mcemu regress`, or --set /params/NAME=VALUE without the matrix"});
    }

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
        out.loaded = std::move(loaded);
        return out;
    }

    const LoadOptions& options_;
    std::shared_ptr<Document> document_;
    Findings findings_;
    std::unique_ptr<Resolver> resolver_;
};

std::string folder_of(const std::string& name) {
    return name == "-" ? std::string() : std::filesystem::path(name).parent_path().string();
}

}  // namespace

std::string LoadedScenario::where(std::string_view pointer) const {
    const Value* at = &text->root;
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
    const Document::Position position = text->position(at->source, at->offset);
    std::string out = text->source(at->source).name;
    if (position.line != 0)
        out += ':' + std::to_string(position.line) + ':' + std::to_string(position.column);
    return out;
}

nlohmann::json LoadedScenario::document() const { return to_json(text->root); }

LoadResult load_file(const std::string& path, const LoadOptions& options) {
    ReadText text = options.read_file ? options.read_file(path) : read_file(path);
    const std::string name = path == "-" ? "<stdin>" : path;
    Loader loader(options);
    if (!text.text) return loader.unreadable({name, {}, {}}, text.error);
    return loader.load({name, std::move(*text.text), folder_of(path)});
}

LoadResult load_text(std::string name, std::string text, const LoadOptions& options) {
    std::string folder = folder_of(name);
    Loader loader(options);
    return loader.load({std::move(name), std::move(text), std::move(folder)});
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

std::vector<std::vector<std::pair<std::string, nlohmann::json>>> matrix_cells(
    const nlohmann::json& document) {
    std::vector<std::vector<std::pair<std::string, nlohmann::json>>> cells(1);
    const auto matrix = document.find("matrix");
    if (matrix == document.end() || !matrix->is_object()) return cells;
    for (const auto& [name, values] : matrix->items()) {
        decltype(cells) more;
        for (const auto& cell : cells) {
            for (const auto& value : values) {
                more.push_back(cell);
                more.back().emplace_back(name, value);
            }
        }
        cells = std::move(more);
    }
    return cells;
}

ReadText read_file(const std::string& path) {
    const bool standard = path == "-";
    std::error_code ignored;
    if (!standard && std::filesystem::is_directory(path, ignored))
        return {std::nullopt, std::strerror(EISDIR)};
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
